import { StringDecoder } from 'node:string_decoder';

/** Cuts a byte stream into lines, and drops a line that exceeds the limit. */
export class LineReader {
  private readonly decoder = new StringDecoder('utf8');
  private rest = '';

  constructor(
    private readonly maxLength: number,
    private readonly onLine: (line: string) => void,
    private readonly onTooLong: () => void,
    private readonly separator: string | RegExp = '\n',
  ) {}

  push(chunk: Buffer): void {
    const lines = (this.rest + this.decoder.write(chunk)).split(this.separator);
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.onLine(line);
    if (this.rest.length > this.maxLength) {
      this.rest = '';
      this.onTooLong();
    }
  }

  /** What came after the last line end. */
  end(): void {
    const last = this.rest + this.decoder.end();
    this.rest = '';
    if (last) this.onLine(last);
  }
}

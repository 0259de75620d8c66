import { percent, size } from './render/units.js';

/** Bytes that are on their way, as those see it who move them. */
export interface Transfer extends Disposable {
  add(bytes: number): void;
}

/** Begins to tell of bytes that move; `done` says what is done with them, such as `downloaded`. */
export type BeginTransfer = (done: string, totalBytes: number) => Transfer;

/** Where the progress is shown. */
export interface ProgressScreen {
  readonly everyMs: number;
  show(text: string): void;
  /** A sentence that stays. */
  note(text: string): void;
  /** Nothing more comes. */
  close(): void;
}

export interface ProgressOptions {
  readonly done: string;
  readonly totalBytes: number;
  readonly screen: ProgressScreen;
  /** When the command began, on the same clock. */
  readonly startedAtMs: number;
  readonly nowMs?: () => number;
}

/** What is over sooner is not told of. */
const QUIET_MS = 2_000;

/** Tells how much has been moved of how much: on time, also where nothing moves. */
export class TransferProgress {
  private bytes = 0;
  private shownAtMs = -Infinity;

  constructor(private readonly options: ProgressOptions) {}

  add(bytes: number): void {
    this.bytes += bytes;
  }

  /** Shows it if it is time to. */
  tick(): void {
    const { done, totalBytes, screen, startedAtMs, nowMs = () => performance.now() } = this.options;
    const now = nowMs();
    if (now - startedAtMs < QUIET_MS || now - this.shownAtMs < screen.everyMs) return;
    this.shownAtMs = now;
    const share = totalBytes === 0 ? '' : ` (${percent(this.bytes / totalBytes)})`;
    screen.show(`${size(this.bytes)} of ${size(totalBytes)} ${done}${share}`);
  }
}

const ERASE = '\r\u001b[K';

/** One line of a terminal, drawn over and over, which is gone when all is done. */
export class LiveLine implements ProgressScreen {
  readonly everyMs = 200;
  private line = '';

  constructor(private readonly stream: Pick<NodeJS.WriteStream, 'write' | 'columns'>) {}

  show(text: string): void {
    this.line = text.slice(0, (this.stream.columns || 80) - 1);
    this.stream.write(ERASE + this.line);
  }

  note(text: string): void {
    this.stream.write(`${this.line && ERASE}${text}\n${this.line}`);
  }

  close(): void {
    if (this.line) this.stream.write(ERASE);
    this.line = '';
  }
}

/** For logs and pipes: a line every few seconds. */
export class PlainLines implements ProgressScreen {
  readonly everyMs = 5_000;

  constructor(private readonly write: (line: string) => void) {}

  show(text: string): void {
    this.write(`${text} …`);
  }

  note(text: string): void {
    this.write(text);
  }

  close(): void {
    // Each line stands by itself.
  }
}

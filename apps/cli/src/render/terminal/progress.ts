/** Where the progress is shown. */
export interface ProgressScreen {
  readonly everyMs: number;
  show(text: string): void;
  /** A sentence that stays. */
  note(text: string): void;
  /** Makes room for another writer to the same terminal. */
  giveWay(write: () => void): void;
  /** Nothing more comes. */
  close(): void;
}

export interface ProgressOptions {
  /** The text at this moment. */
  readonly text: () => string;
  readonly screen: ProgressScreen;
  /** When the command began, on the same clock. */
  readonly startedAtMs: number;
  readonly nowMs?: () => number;
}

/** Shorter work shows no progress. */
const QUIET_MS = 2_000;

/** Shows the progress of something at regular times, also where nothing moves. */
export class Progress {
  private shownAtMs = -Infinity;

  constructor(private readonly options: ProgressOptions) {}

  /** Shows it if it is time to. */
  tick(): void {
    const { text, screen, startedAtMs, nowMs = () => performance.now() } = this.options;
    const now = nowMs();
    if (now - startedAtMs < QUIET_MS || now - this.shownAtMs < screen.everyMs) return;
    this.shownAtMs = now;
    screen.show(text());
  }
}

const ERASE = '\r\u001b[K';

/** One line of a terminal, drawn over and over. */
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

  giveWay(write: () => void): void {
    if (this.line) this.stream.write(ERASE);
    write();
    if (this.line) this.stream.write(this.line);
  }

  /** Leaves the line as it is. */
  keep(): void {
    if (this.line) this.stream.write('\n');
    this.line = '';
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

  giveWay(write: () => void): void {
    write();
  }

  close(): void {
    // Each line stands by itself.
  }
}

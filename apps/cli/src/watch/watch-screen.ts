import { progressLine, progressText } from './progress-line.js';
import type { WatchView } from './watched-operation.js';

/** Where a watcher shows what it sees. */
export interface WatchScreen {
  /** The figures moved; `isLandmark` at the end of an epoch or when the status changed. */
  update(view: WatchView, isLandmark: boolean): void;
  /** A sentence that stays. */
  note(text: string): void;
  /** Nothing more comes. */
  close(): void;
}

const ERASE = '\r\u001b[K';

/** One line, drawn over and over. */
export class TerminalScreen implements WatchScreen {
  private line = '';
  private view: WatchView | null = null;
  private readonly redraw = () => {
    if (this.view) this.draw(this.view);
  };

  constructor(private readonly stream: NodeJS.WriteStream) {
    stream.on('resize', this.redraw);
  }

  update(view: WatchView): void {
    this.view = view;
    this.draw(view);
  }

  note(text: string): void {
    this.stream.write(`${ERASE}${text}\n${this.line}`);
  }

  close(): void {
    this.stream.off('resize', this.redraw);
    if (this.line) this.stream.write('\n');
    this.line = '';
  }

  private draw(view: WatchView): void {
    this.line = progressLine(view, this.stream.columns || 80);
    this.stream.write(ERASE + this.line);
  }
}

const SECONDS_BETWEEN_LINES = 5;

/** For logs and pipes: a line at each landmark, and one every few seconds in between. */
export class LineScreen implements WatchScreen {
  private shownAtMs = -Infinity;
  private shown = '';

  constructor(
    private readonly write: (line: string) => void,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  update(view: WatchView, isLandmark: boolean): void {
    const isDue = this.nowMs() - this.shownAtMs >= SECONDS_BETWEEN_LINES * 1000;
    const text = progressText(view);
    if (!(isLandmark || isDue) || text === this.shown) return;
    this.shown = text;
    this.shownAtMs = this.nowMs();
    this.write(text);
  }

  note(text: string): void {
    this.write(text);
  }

  close(): void {
    this.shown = '';
  }
}

/** For programs that only want the end. */
export const NO_SCREEN: WatchScreen = {
  update: () => undefined,
  note: () => undefined,
  close: () => undefined,
};

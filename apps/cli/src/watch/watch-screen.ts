import { LiveLine } from '../render/terminal/progress.js';
import { progressLine, progressText } from './progress-line.js';
import type { WatchView } from './watched-operation.js';

/** Shows a watched operation. */
export interface WatchScreen {
  /** The figures moved; `isLandmark` at the end of an epoch or when the status changed. */
  update(view: WatchView, isLandmark: boolean): void;
  /** A sentence that stays. */
  note(text: string): void;
  /** Nothing more comes. */
  close(): void;
}

/** One live line, which fits the terminal's width and stays at the end. */
export class TerminalScreen implements WatchScreen {
  private readonly line: LiveLine;
  private view: WatchView | null = null;
  private readonly redraw = () => {
    if (this.view) this.line.show(progressLine(this.view, this.stream.columns || 80));
  };

  constructor(private readonly stream: NodeJS.WriteStream) {
    this.line = new LiveLine(stream);
    stream.on('resize', this.redraw);
  }

  update(view: WatchView): void {
    this.view = view;
    this.redraw();
  }

  note(text: string): void {
    this.line.note(text);
  }

  close(): void {
    this.stream.off('resize', this.redraw);
    this.line.keep();
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

/** Shows nothing: a program reads only the end. */
export const NO_SCREEN: WatchScreen = {
  update: () => undefined,
  note: () => undefined,
  close: () => undefined,
};

import { LiveLine, PlainLines, Progress, type ProgressScreen } from '../render/terminal/progress.js';
import { transferred } from '../render/words/units.js';
import type { BeginTransfer } from '../transfer/file-check.js';
import { ApiCommand } from './api-command.js';

const TICK_MS = 100;
const NOTHING: Disposable = { [Symbol.dispose]: () => undefined };

/** A command that takes its time and shows its progress on standard error. */
export abstract class ProgressCommand extends ApiCommand {
  protected readonly startedAtMs = performance.now();
  private screen: ProgressScreen | null = null;

  /** A notice would land in the middle of the live line. */
  override logToStderr(message = ''): void {
    if (this.screen) this.screen.note(message);
    else super.logToStderr(message);
  }

  override log(message = ''): void {
    if (this.screen) this.screen.giveWay(() => super.log(message));
    else super.log(message);
  }

  /** Shows how many bytes of a transfer have moved, until it is disposed of. */
  protected readonly begin: BeginTransfer = (done, totalBytes) => {
    let bytes = 0;
    const shown = this.showProgress(() => transferred({ bytes, totalBytes, done }));
    return {
      add: (more) => {
        bytes += more;
      },
      [Symbol.dispose]: () => shown[Symbol.dispose](),
    };
  };

  /** Shows the text as it is at the time, until it is disposed of. */
  protected showProgress(text: () => string): Disposable {
    if (this.jsonEnabled()) return NOTHING;
    const screen = process.stderr.isTTY
      ? new LiveLine(process.stderr)
      : new PlainLines((line) => super.logToStderr(line));
    const progress = new Progress({ text, screen, startedAtMs: this.startedAtMs });
    const ticking = setInterval(() => progress.tick(), TICK_MS);
    this.screen = screen;
    return {
      [Symbol.dispose]: () => {
        clearInterval(ticking);
        screen.close();
        this.screen = null;
      },
    };
  }
}

import { ApiCommand } from './base-command.js';
import {
  type BeginTransfer,
  LiveLine,
  PlainLines,
  type ProgressScreen,
  TransferProgress,
} from './transfer-progress.js';

const TICK_MS = 100;

/** A command that moves many bytes and tells how far it is, on standard error. */
export abstract class TransferCommand extends ApiCommand {
  private readonly startedAtMs = performance.now();
  private screen: ProgressScreen | null = null;

  /** A notice would land in the middle of the line that is drawn over and over. */
  override logToStderr(message = ''): void {
    if (this.screen) this.screen.note(message);
    else super.logToStderr(message);
  }

  protected readonly begin: BeginTransfer = (done, totalBytes) => {
    if (this.jsonEnabled()) return { add: () => undefined, [Symbol.dispose]: () => undefined };
    const screen = this.newScreen();
    const progress = new TransferProgress({ done, totalBytes, screen, startedAtMs: this.startedAtMs });
    const ticking = setInterval(() => progress.tick(), TICK_MS);
    this.screen = screen;
    return {
      add: (bytes) => progress.add(bytes),
      [Symbol.dispose]: () => {
        clearInterval(ticking);
        screen.close();
        this.screen = null;
      },
    };
  };

  private newScreen(): ProgressScreen {
    return process.stderr.isTTY ? new LiveLine(process.stderr) : new PlainLines((line) => super.logToStderr(line));
  }
}

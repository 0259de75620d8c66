import type { PartExit, PartProcess } from '../stack/part-process.js';
import { trySignal } from './process-children.js';

/** A part of the stack that is taken away and comes back. At most one of those happens at a time. */
export class RestartablePart {
  private process: PartProcess | undefined;
  private isBusy = false;
  private starting: Promise<unknown> | undefined;
  private isClosed = false;
  private isFrozen = false;

  constructor(
    readonly name: string,
    private readonly launch: () => Promise<PartProcess>,
  ) {}

  /** Its present process, if it has one that runs. */
  get running(): PartProcess | undefined {
    return this.process?.hasExited() ? undefined : this.process;
  }

  /** Whether it runs, undisturbed. */
  get isUp(): boolean {
    return !this.isBusy && this.process !== undefined && !this.process.hasExited();
  }

  /** A sentence about a part that ended although nobody took it away; undefined when all is well. */
  get unexpectedEnd(): string | undefined {
    if (this.isBusy || this.isClosed || !this.process?.hasExited()) return undefined;
    return `${this.name} (pid ${this.process.pid}) ended by itself. Log: ${this.process.logFile}`;
  }

  async start(): Promise<void> {
    if (this.isClosed) return;
    const launching = this.launch();
    this.starting = launching.catch(() => undefined);
    this.process = await launching;
    if (this.isClosed) await this.process.kill();
  }

  /** Takes it away with `end`, waits with `pause`, and starts it again. False: it was not up to begin with. */
  async outage(end: (process: PartProcess) => Promise<unknown>, pause: () => Promise<unknown>): Promise<boolean> {
    return this.exclusively(async (process) => {
      await end(process);
      await pause();
      await this.start();
    });
  }

  /** Stops it in its tracks, waits with `pause`, and lets it go on. False: it was not up to begin with. */
  async freeze(pause: (process: PartProcess) => Promise<unknown>): Promise<boolean> {
    return this.exclusively(async (process) => {
      this.isFrozen = true;
      trySignal(process.pid, 'SIGSTOP');
      await pause(process);
      trySignal(process.pid, 'SIGCONT');
      this.isFrozen = false;
    });
  }

  /** Ends it for good with `end`; one that is just starting is waited for. */
  async close(end: (process: PartProcess) => Promise<PartExit | void>): Promise<void> {
    this.isClosed = true;
    await this.starting;
    const { process } = this;
    if (!process || process.hasExited()) return;
    if (this.isFrozen) trySignal(process.pid, 'SIGCONT');
    await end(process);
  }

  /** The last resort, from an exit handler. */
  killNow(signal: NodeJS.Signals): void {
    this.isClosed = true;
    const { process } = this;
    if (!process || process.hasExited()) return;
    if (!trySignal(-process.pid, signal)) trySignal(process.pid, signal);
    if (this.isFrozen) trySignal(process.pid, 'SIGCONT');
  }

  private async exclusively(work: (process: PartProcess) => Promise<void>): Promise<boolean> {
    const { process } = this;
    if (!this.isUp || !process || this.isClosed) return false;
    this.isBusy = true;
    try {
      await work(process);
      return true;
    } finally {
      this.isBusy = false;
    }
  }
}

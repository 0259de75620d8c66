import type { Logger } from 'pino';
import { retry } from '../api-link/backoff.js';
import { type TrainerCommand, TrainerProcess } from './trainer-process.js';

const READY_WITHIN_MS = 120_000;
const RETRY = { firstMs: 500, lastMs: 15_000 };

/** Keeps one idle trainer warm, so that an operation does not wait for a process to start. */
export class TrainerPool {
  private warm: Promise<TrainerProcess> | undefined;
  private readonly alive = new Set<TrainerProcess>();
  private readonly closing = new AbortController();

  constructor(
    private readonly command: TrainerCommand,
    private readonly log: Logger,
  ) {}

  refill(): void {
    if (this.closing.signal.aborted) return;
    const warm = (this.warm ??= this.start());
    void warm.then(
      (trainer) => this.replaceWhenGone(warm, trainer),
      () => undefined, // only when closing
    );
  }

  /** The warm trainer, which stays in the pool: for reading its capabilities. */
  async idle(): Promise<TrainerProcess> {
    this.refill();
    const trainer = await this.warm;
    if (!trainer) throw new Error('The trainer pool is closed');
    return trainer;
  }

  async take(): Promise<TrainerProcess> {
    for (;;) {
      this.refill();
      const { warm } = this;
      if (!warm) throw new Error('The trainer pool is closed');
      this.warm = undefined; // before the first await: a concurrent caller gets another one
      const trainer = await warm;
      if (!trainer.hasExited) return trainer;
    }
  }

  /** Ends every trainer at once, busy or idle. */
  close(): void {
    this.closing.abort();
    for (const trainer of this.alive) trainer.kill();
  }

  private async start(): Promise<TrainerProcess> {
    const { signal } = this.closing;
    const onError = (err: unknown): void => {
      if (!signal.aborted) this.log.error({ err }, 'trainer does not start');
    };
    const begin = (): Promise<TrainerProcess> => TrainerProcess.start(this.command, READY_WITHIN_MS);
    const trainer = await retry(begin, { range: RETRY, signal, onError });
    this.alive.add(trainer);
    this.log.info({ trainerPid: trainer.pid }, 'trainer ready');
    trainer.onExit(() => this.alive.delete(trainer));
    if (signal.aborted) trainer.kill();
    return trainer;
  }

  private replaceWhenGone(warm: Promise<TrainerProcess>, trainer: TrainerProcess): void {
    trainer.onExit((exit) => {
      if (this.warm !== warm) return;
      this.log.warn({ exit }, 'idle trainer ended');
      this.warm = undefined;
    });
  }
}

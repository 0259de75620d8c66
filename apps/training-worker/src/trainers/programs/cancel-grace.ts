import type { TrainerControl, TrainerEvent } from '@ktrdr/contracts';
import type { Trainer, TrainerListener, TrainerReady } from '../ports.js';

/** Does something after a time, unless the returned function is called before. */
export type Schedule = (ms: number, act: () => void) => () => void;

const afterMs: Schedule = (ms, act) => {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
};

/** What answers a request to stop. */
const ANSWERS: readonly TrainerEvent['type'][] = ['stopped', 'save_failed', 'completed', 'failed'];

/**
 * A trainer whose patience with a cancel ends: one that has not answered within the grace is killed, and the operation
 * is cancelled at its last committed checkpoint. A pause is left to its own time limit, after which it trains on.
 */
export class CancelGrace implements Trainer {
  private relent: () => void = () => undefined;

  constructor(
    private readonly trainer: Trainer,
    private readonly graceMs: number,
    private readonly after: Schedule = afterMs,
  ) {}

  get ready(): TrainerReady {
    return this.trainer.ready;
  }

  attach(listener: TrainerListener): void {
    this.trainer.attach({
      onEvent: (event) => {
        if (ANSWERS.includes(event.type)) this.relent();
        listener.onEvent(event);
      },
      onLog: (stream, line) => listener.onLog(stream, line),
      onExit: (exit) => {
        this.relent();
        listener.onExit(exit);
      },
    });
  }

  send(control: TrainerControl): void {
    if (control.type === 'stop' || control.type === 'continue') this.relent();
    const isCancel = control.type === 'stop' && (control.save === null || control.save.kind === 'cancel');
    if (isCancel) this.relent = this.after(this.graceMs, () => this.trainer.kill());
    this.trainer.send(control);
  }

  kill(): void {
    this.trainer.kill();
  }
}

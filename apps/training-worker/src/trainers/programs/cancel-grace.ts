import type { TrainerControl, TrainerEvent } from '@ktrdr/contracts';
import type { Trainer, TrainerListener, TrainerReady } from '../ports.js';

/** Acts after a time, unless the returned function is called before. */
export type Schedule = (ms: number, act: () => void) => () => void;

const afterMs: Schedule = (ms, act) => {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
};

/** The answers to a request to stop. */
const ANSWERS: readonly TrainerEvent['type'][] = ['stopped', 'save_failed', 'completed', 'failed'];

/**
 * Kills a trainer that does not answer a cancel within the grace; the operation is then cancelled at its last committed
 * checkpoint. A pause has its own time limit, after which training goes on.
 */
export class CancelGrace implements Trainer {
  private stopClock: () => void = () => undefined;

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
        if (ANSWERS.includes(event.type)) this.stopClock();
        listener.onEvent(event);
      },
      onLog: (stream, line) => listener.onLog(stream, line),
      onExit: (exit) => {
        this.stopClock();
        listener.onExit(exit);
      },
    });
  }

  send(control: TrainerControl): void {
    if (control.type === 'stop' || control.type === 'continue') this.stopClock();
    const isCancel = control.type === 'stop' && (control.save === null || control.save.kind === 'cancel');
    if (isCancel) this.stopClock = this.after(this.graceMs, () => this.trainer.kill());
    this.trainer.send(control);
  }

  kill(): void {
    this.trainer.kill();
  }
}

import type { TrainerControl, TrainerEvent } from '@ktrdr/contracts';
import type { Trainer, TrainerListener, TrainerReady } from '../supervisor/ports.js';

/** What answers a request to stop. */
const ANSWERS: readonly TrainerEvent['type'][] = ['stopped', 'save_failed', 'completed', 'failed'];

/**
 * A trainer whose patience with a cancel ends: one that has not answered within the grace is killed, and the operation
 * is cancelled at its last committed checkpoint. A pause is left to its own time limit, after which it trains on.
 */
export class PatientTrainer implements Trainer {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly trainer: Trainer,
    private readonly graceMs: number,
  ) {}

  get ready(): TrainerReady {
    return this.trainer.ready;
  }

  attach(listener: TrainerListener): void {
    this.trainer.attach({
      onEvent: (event) => {
        if (ANSWERS.includes(event.type)) clearTimeout(this.timer);
        listener.onEvent(event);
      },
      onLog: (stream, line) => listener.onLog(stream, line),
      onExit: (exit) => {
        clearTimeout(this.timer);
        listener.onExit(exit);
      },
    });
  }

  send(control: TrainerControl): void {
    if (control.type === 'stop' || control.type === 'continue') clearTimeout(this.timer);
    const isCancel = control.type === 'stop' && (control.save === null || control.save.kind === 'cancel');
    if (isCancel) this.timer = setTimeout(() => this.trainer.kill(), this.graceMs);
    this.trainer.send(control);
  }

  kill(): void {
    this.trainer.kill();
  }
}

import type { TrainerControl, TrainerEvent } from '@ktrdr/contracts';
import type { EventRecorder } from '../events/event-recorder.js';
import type { Trainer, TrainerExit, TrainerListener } from '../trainers/ports.js';
import type { RunIntent, Wish } from './run-intent.js';
import { type ReportedError, toTrainerError } from '../trainers/trainer-exit.js';

type Event<T extends TrainerEvent['type']> = Extract<TrainerEvent, { type: T }>;
type Save = Event<'saved'>;

/** How the process ended; by then it is gone. */
export type Ending =
  | { readonly kind: 'completed'; readonly event: Event<'completed'>; readonly final: Save | null }
  | { readonly kind: 'stopped'; readonly step: number; readonly epoch: number; readonly save: Save | null }
  /** Ended by us before it had started to train. */
  | { readonly kind: 'dismissed' }
  | { readonly kind: 'failed'; readonly error: ReportedError };

export interface SessionHooks {
  onStarted(event: Event<'started'>): void;
  onProgress(step: number): void;
  onCheckpointing(event: Event<'checkpointing'>): void;
  /** It has been asked to stop for a pause, or has saved for one: the last moments to look at it. */
  onPausing(): void;
  /** It is writing the files of a save. */
  onSaving(event: Event<'saving'>): void;
  onSaved(save: Save): void;
  /** That save is not going to come, whoever asked for it. */
  onSaveOff(requestId: string): void;
  /** A save that nobody waits for failed. */
  onSaveFailed(message: string, at: Position): void;
  /** The save that a pause or another stop needs failed; the trainer goes on until it is told again. */
  onStopSaveFailed(message: string, at: Position, wish: Wish): void;
}

export interface Position {
  readonly step: number;
  readonly epoch: number;
}

interface Told {
  readonly boundary: Wish['boundary'];
  readonly requestId: string | null;
}

const EXIT_WITHIN_MS = 5_000;

/** One trainer process, from `start` to its exit, steered by what is wished for. */
export class TrainerSession implements TrainerListener {
  private isStarted = false;
  private isDismissed = false;
  private told: Told | null = null;
  private readonly stopRequests = new Set<string>();
  private lastStopSave: Save | null = null;
  private finalSave: Save | null = null;
  private ending: Ending | undefined;
  private position: Position;
  private cannotSave = false;
  private hasExited = false;
  private lastExamplesPerSecond: number | null = null;
  private exitTimer: NodeJS.Timeout | undefined;
  private stopListening: () => void = () => undefined;
  private readonly ended = Promise.withResolvers<Ending>();

  constructor(
    private readonly trainer: Trainer,
    private readonly intent: RunIntent,
    private readonly recorder: EventRecorder,
    private readonly hooks: SessionHooks,
    private readonly newId: () => string,
    from: Position,
  ) {
    this.position = from;
  }

  run(start: Extract<TrainerControl, { type: 'start' }>): Promise<Ending> {
    this.trainer.attach(this);
    this.trainer.send(start);
    this.stopListening = this.intent.onChange(() => this.steer());
    this.steer();
    return this.ended.promise;
  }

  /** Settles when the process is gone. */
  async gone(): Promise<void> {
    await this.ended.promise;
  }

  /** What is known of the trainer beside how it ended. */
  get trainerState(): { readonly isGone: boolean; readonly examplesPerSecond: number | null } {
    return { isGone: this.hasExited, examplesPerSecond: this.lastExamplesPerSecond };
  }

  settled(requestId: string): void {
    this.trainer.send({ type: 'settled', request_id: requestId });
  }

  kill(): void {
    this.trainer.kill();
  }

  onLog(stream: 'stdout' | 'stderr', line: string): void {
    this.recorder.recordLog(stream, line);
  }

  onEvent(event: TrainerEvent): void {
    if (this.ending) return;
    if ('step' in event) this.position = { step: event.step, epoch: event.epoch };
    switch (event.type) {
      case 'ready':
        return;
      case 'started':
        this.isStarted = true;
        this.hooks.onStarted(event);
        return this.steer();
      case 'progress':
        this.lastExamplesPerSecond = event.examples_per_second ?? this.lastExamplesPerSecond;
        this.hooks.onProgress(event.step);
        return this.recorder.recordProgress(event);
      case 'checkpointing':
        return this.hooks.onCheckpointing(event);
      case 'metrics':
      case 'warning':
        return this.recorder.record(event);
      case 'saving':
        return this.hooks.onSaving(event);
      case 'saved':
        if (this.stopRequests.has(event.request_id)) {
          this.lastStopSave = event;
          this.tellPausing();
        }
        if (event.kind === 'final') this.finalSave = event;
        return this.hooks.onSaved(event);
      case 'save_failed':
        return this.saveFailed(event);
      case 'stopped':
        return this.endWith({ kind: 'stopped', step: event.step, epoch: event.epoch, save: this.saveAt(event) });
      case 'completed':
        return this.endWith({ kind: 'completed', event, final: this.finalSave });
      case 'failed': {
        const { code, message, details } = event;
        return this.endWith({ kind: 'failed', error: { code, message, details } });
      }
    }
  }

  onExit(exit: TrainerExit): void {
    // Without either nobody has seen it end.
    this.hasExited = exit.code !== null || exit.signal !== null;
    clearTimeout(this.exitTimer);
    this.stopListening();
    const dismissed = this.isDismissed ? ({ kind: 'dismissed' } as const) : undefined;
    this.ended.resolve(this.ending ?? dismissed ?? { kind: 'failed', error: toTrainerError(exit) });
  }

  /** Tells the trainer what it has not been told yet. */
  private steer(): void {
    if (this.ending || this.isDismissed) return;
    const { wish } = this.intent;
    if (!this.isStarted) {
      // Nothing has been trained, so there is nothing to save. A pause needs a checkpoint and waits for the start.
      if (wish.kind !== 'cancel' && wish.kind !== 'shutdown') return;
      this.isDismissed = true;
      return this.trainer.kill();
    }
    if (wish.kind === 'train') return this.goOn();
    const save = wish.save && !this.cannotSave;
    const { told } = this;
    if (told && (told.boundary === 'step' || told.boundary === wish.boundary) && (told.requestId !== null) === save)
      return;
    const requestId = save ? this.newId() : null;
    if (requestId) this.stopRequests.add(requestId);
    this.told = { boundary: wish.boundary, requestId };
    const order = requestId ? { request_id: requestId, kind: wish.kind } : null;
    this.trainer.send({ type: 'stop', boundary: wish.boundary, save: order });
    this.tellPausing();
  }

  private tellPausing(): void {
    if (this.intent.isPauseWanted) this.hooks.onPausing();
  }

  private goOn(): void {
    this.cannotSave = false;
    if (!this.told) return;
    this.told = null;
    this.trainer.send({ type: 'continue' });
  }

  private saveFailed({ request_id, message }: Event<'save_failed'>): void {
    this.hooks.onSaveOff(request_id);
    if (!this.stopRequests.has(request_id)) return this.hooks.onSaveFailed(message, this.position);
    if (this.told?.requestId !== request_id) return; // that stop was withdrawn or replaced
    this.cannotSave = true;
    // A pause is abandoned by this, a cancel or a shutdown then stops without a save.
    this.hooks.onStopSaveFailed(message, this.position, this.intent.wish);
    this.steer();
  }

  /** The save of the stop, if there is one at exactly the place where it stopped. */
  private saveAt({ step, epoch }: Position): Save | null {
    const save = this.lastStopSave;
    return save && save.step === step && save.epoch === epoch ? save : null;
  }

  private endWith(ending: Ending): void {
    this.ending = ending;
    this.recorder.flush();
    this.exitTimer = setTimeout(() => this.trainer.kill(), EXIT_WITHIN_MS);
  }
}

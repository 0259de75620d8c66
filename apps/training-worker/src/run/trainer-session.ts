import type { ResourceSnapshot, TrainerControl, TrainerEvent } from '@ktrdr/contracts';
import type { CheckpointUploader } from '../checkpoints/checkpoint-uploader.js';
import type { Save } from '../checkpoints/save-record.js';
import type { UnsavedTime } from '../checkpoints/unsaved-time.js';
import type { EventRecorder } from '../events/event-recorder.js';
import { PauseSnapshot } from '../machine/pause-snapshot.js';
import type { ResourceMeter } from '../machine/pause-snapshot.js';
import type { Position, Trainer, TrainerExit, TrainerListener } from '../trainers/ports.js';
import { type ReportedError, toTrainerError } from '../trainers/trainer-exit.js';
import type { FailedSaves } from './failed-saves.js';
import type { RunIntent, Wish } from './run-intent.js';

type Event<T extends TrainerEvent['type']> = Extract<TrainerEvent, { type: T }>;

/** How the process ended. */
export type Ending =
  | { readonly kind: 'completed'; readonly event: Event<'completed'>; readonly final: Save | null }
  | { readonly kind: 'stopped'; readonly step: number; readonly epoch: number; readonly save: Save | null }
  /** Ended by the worker before training started. */
  | { readonly kind: 'untrained' }
  | { readonly kind: 'failed'; readonly error: ReportedError };

export interface SessionParts {
  readonly trainer: Trainer;
  readonly intent: RunIntent;
  readonly recorder: EventRecorder;
  readonly uploader: CheckpointUploader;
  readonly unsaved: UnsavedTime;
  readonly failedSaves: FailedSaves;
  readonly meter: ResourceMeter;
  readonly newId: () => string;
  readonly onStarted: (event: Event<'started'>) => void;
}

/** The stop that the trainer was asked for. */
interface SentStop {
  readonly boundary: Wish['boundary'];
  readonly requestId: string | null;
}

const EXIT_WITHIN_MS = 5_000;

/** One trainer process, from `start` to its exit, steered by the intent of the run. */
export class TrainerSession implements TrainerListener {
  private isStarted = false;
  private isEndedUntrained = false;
  private sentStop: SentStop | null = null;
  private readonly stopRequests = new Set<string>();
  private lastStopSave: Save | null = null;
  private finalSave: Save | null = null;
  private ending: Ending | undefined;
  private cannotSave = false;
  private hasExited = false;
  private progressStep = -1;
  private lastExamplesPerSecond: number | null = null;
  private exitTimer: NodeJS.Timeout | undefined;
  private stopListening: () => void = () => undefined;
  private readonly snapshot: PauseSnapshot;
  private readonly ended = Promise.withResolvers<Ending>();

  /** @param position where training starts. */
  constructor(
    private readonly parts: SessionParts,
    private position: Position,
  ) {
    this.snapshot = new PauseSnapshot(parts.meter, parts.trainer.ready);
  }

  run(start: Extract<TrainerControl, { type: 'start' }>): Promise<Ending> {
    this.parts.trainer.attach(this);
    this.parts.trainer.send(start);
    this.stopListening = this.parts.intent.onChange(() => this.steer());
    this.steer();
    return this.ended.promise;
  }

  /** Settles when the process is gone. */
  async gone(): Promise<void> {
    await this.ended.promise;
  }

  /** The step of the newest progress; -1: none. */
  get reachedStep(): number {
    return this.progressStep;
  }

  /** The machine just before the trainer ended for a pause; null when nothing was measured. */
  pauseSnapshot(): Promise<ResourceSnapshot | null> {
    return this.snapshot.result({ isGone: this.hasExited, examplesPerSecond: this.lastExamplesPerSecond });
  }

  settled(requestId: string): void {
    this.parts.trainer.send({ type: 'settled', request_id: requestId });
  }

  kill(): void {
    this.parts.trainer.kill();
  }

  onLog(stream: 'stdout' | 'stderr', line: string): void {
    this.parts.recorder.recordLog(stream, line);
  }

  onEvent(event: TrainerEvent): void {
    if (this.ending) return;
    const { recorder, uploader, unsaved, meter, onStarted } = this.parts;
    if ('step' in event) this.position = { step: event.step, epoch: event.epoch };
    switch (event.type) {
      case 'ready':
        return;
      case 'started':
        this.isStarted = true;
        onStarted(event);
        return this.steer();
      case 'progress':
        this.lastExamplesPerSecond = event.examples_per_second ?? this.lastExamplesPerSecond;
        this.progressStep = event.step;
        meter.observe();
        return recorder.recordProgress(event);
      case 'checkpointing':
        return recorder.record({ ...event, longest_unprotected_seconds: unsaved.longestSeconds });
      case 'metrics':
      case 'warning':
        return recorder.record(event);
      case 'saving':
        return uploader.startEarly(event);
      case 'saved':
        if (this.stopRequests.has(event.request_id)) {
          this.lastStopSave = event;
          this.measurePause();
        }
        if (event.kind === 'final') this.finalSave = event;
        return uploader.add(event);
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
    // Without either its end was not seen.
    this.hasExited = exit.code !== null || exit.signal !== null;
    clearTimeout(this.exitTimer);
    this.stopListening();
    const untrained = this.isEndedUntrained ? ({ kind: 'untrained' } as const) : undefined;
    this.ended.resolve(this.ending ?? untrained ?? { kind: 'failed', error: toTrainerError(exit) });
  }

  /** Sends the trainer the change of the wish. */
  private steer(): void {
    if (this.ending || this.isEndedUntrained) return;
    const { wish } = this.parts.intent;
    if (!this.isStarted) {
      // Nothing has been trained, so there is nothing to save. A pause needs a checkpoint and waits for the start.
      if (wish.kind !== 'cancel' && wish.kind !== 'shutdown') return;
      this.isEndedUntrained = true;
      return this.parts.trainer.kill();
    }
    if (wish.kind === 'train') return this.goOn();
    const save = wish.save && !this.cannotSave;
    const sent = this.sentStop;
    const isSent = sent && (sent.boundary === 'step' || sent.boundary === wish.boundary);
    if (isSent && (sent.requestId !== null) === save) return;
    const requestId = save ? this.parts.newId() : null;
    if (requestId) this.stopRequests.add(requestId);
    this.sentStop = { boundary: wish.boundary, requestId };
    const order = requestId ? { request_id: requestId, kind: wish.kind } : null;
    this.parts.trainer.send({ type: 'stop', boundary: wish.boundary, save: order });
    this.measurePause();
  }

  /** The trainer is about to end for a pause: the last moments to measure it. */
  private measurePause(): void {
    if (this.parts.intent.isPauseWanted) this.snapshot.measure();
  }

  private goOn(): void {
    this.cannotSave = false;
    if (!this.sentStop) return;
    this.sentStop = null;
    this.parts.trainer.send({ type: 'continue' });
  }

  private saveFailed({ request_id, message }: Event<'save_failed'>): void {
    const { uploader, failedSaves, intent } = this.parts;
    uploader.cancelEarly(request_id);
    if (!this.stopRequests.has(request_id)) return failedSaves.report(message, this.position);
    if (this.sentStop?.requestId !== request_id) return; // that stop was withdrawn or replaced
    this.cannotSave = true;
    // A pause is abandoned by this, a cancel or a shutdown then stops without a save.
    failedSaves.reportStop(message, this.position, intent.wish);
    this.steer();
  }

  /** The save of the stop, if there is one at exactly the place where it stopped. */
  private saveAt({ step, epoch }: Position): Save | null {
    const save = this.lastStopSave;
    return save && save.step === step && save.epoch === epoch ? save : null;
  }

  private endWith(ending: Ending): void {
    this.ending = ending;
    this.parts.recorder.flush();
    this.exitTimer = setTimeout(() => this.parts.trainer.kill(), EXIT_WITHIN_MS);
  }
}

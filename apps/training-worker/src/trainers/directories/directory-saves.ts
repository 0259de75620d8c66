import { join } from 'node:path';
import type { TrainerControl, TrainerEvent } from '@ktrdr/contracts';
import type { LocalCheckpoint } from '../ports.js';
import type { Refusal } from './checkpoint-names.js';
import type { DirectoryProgress } from './directory-progress.js';
import type { WatchedProgram } from './watched-program.js';
import type { CompleteDirectory } from './directory-watch.js';

type Start = Extract<TrainerControl, { type: 'start' }>;
type Kind = Extract<TrainerEvent, { type: 'saved' }>['kind'];

const RETRY_TAKING_MS = 10_000;

/** What is kept of an ended program. */
interface Kept {
  /** null: nothing. */
  readonly point: LocalCheckpoint | null;
  /** The newest that could not be kept. */
  readonly lost: Refusal | null;
}

/** Makes saves of the directories of one run. */
export class DirectorySaves {
  private unsettled: string | null = null;
  private retryAt = -Infinity;

  constructor(
    private readonly ports: {
      readonly start: Start;
      readonly run: WatchedProgram;
      readonly progress: DirectoryProgress;
      /** Which of the attempt's runs this is. */
      readonly nth: number;
      readonly emit: (event: TrainerEvent) => void;
    },
    /** The newest step that was offered as a save, or that the run began with; -1: none. */
    private offered: number,
  ) {}

  get newestOffered(): number {
    return this.offered;
  }

  settled(requestId: string): void {
    if (this.unsettled === requestId) this.unsettled = null;
  }

  /** One periodic save at a time, and only of the newest. */
  async offer(complete: readonly CompleteDirectory[]): Promise<void> {
    const newest = complete.at(-1);
    if (!newest || newest.step <= this.offered || this.unsettled !== null || performance.now() < this.retryAt) return;
    const { start, run, progress, nth, emit } = this.ports;
    const { step } = newest;
    const id = `periodic-${start.attempt}-${nth}-${step}`;
    const dir = join(start.spool_dir, id);
    try {
      const files = await run.take(newest, dir, 'copy');
      if (!files) return; // it has changed or gone: the next look finds out
      this.offered = step;
      this.unsettled = id;
      for (const event of progress.reachedByCheckpoint(step)) emit(event);
      this.emitSaved(id, 'periodic', { dir, step, epoch: progress.at(step).epoch }, files);
    } catch (error) {
      this.retryAt = performance.now() + RETRY_TAKING_MS;
      emit({ type: 'save_failed', request_id: id, message: notTaken(step, error) });
    }
  }

  /** The newest complete one of an ended program that can be taken into the spool, where it stays. */
  async keepNewest(complete: readonly CompleteDirectory[]): Promise<Kept> {
    const { start, run, progress, nth, emit } = this.ports;
    let lost: Refusal | null = null;
    for (const directory of complete.toReversed()) {
      const { step } = directory;
      const dir = join(start.spool_dir, `kept-${nth}-${step}`);
      try {
        if (await run.take(directory, dir, 'link')) {
          return { point: { dir, step, epoch: progress.at(step).epoch }, lost };
        }
      } catch (error) {
        const message = notTaken(step, error);
        lost ??= { step, message };
        emit({ type: 'warning', code: 'checkpoint-failed', message });
      }
    }
    return { point: null, lost };
  }

  emitSaved(requestId: string, kind: Kind, { dir, step, epoch }: LocalCheckpoint, files: readonly string[]): void {
    const { metrics } = this.ports.progress.at(step);
    this.ports.emit({
      type: 'saved',
      request_id: requestId,
      kind,
      step,
      epoch,
      dir,
      files: [...files],
      stall_ms: 0,
      metrics,
      best: null,
    });
  }
}

function notTaken(step: number, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return `The directory checkpoint-${step} could not be taken into the spool: ${reason}. Check free space and rights`;
}

import { join } from 'node:path';
import type { TrainerEvent } from '@ktrdr/contracts';
import type { FailpointName } from '@ktrdr/failpoints';
import { writeCheckpointFiles } from './checkpoint-files.js';
import type { SaveRequest } from '../control-queue.js';
import type { CapturedState, TrainingRun } from '../training-run.js';

/** A full disk is not asked again at every step: each failure of a periodic save doubles the time to the next. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

export type Emit = (event: TrainerEvent) => void;

/** Reports that the operation reaches a failpoint, and waits for its effect. */
type Reach = (point: FailpointName) => Promise<void>;

/** What a saver needs of the loop's surroundings. */
export interface SaverPorts {
  /** Where saves go, one folder each. */
  readonly spoolDir: string;
  readonly emit: Emit;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly reach: Reach;
}

/**
 * Captures the run and writes it in the background, one save at a time in the order of their requests. Announces the files
 * that it writes, answers each request with `saved` or `save_failed`, and remembers which the supervisor has not settled.
 */
export class CheckpointSaver {
  private writing: Promise<unknown> = Promise.resolve();
  private readonly unsettled = new Set<string>();
  private count = 0;
  private failures = 0;
  private stallMs = 0;
  private notBefore = -Infinity;

  constructor(private readonly ports: SaverPorts) {}

  /** A periodic save may be made: none is being written or waits for the supervisor, and none has just failed. */
  get isReady(): boolean {
    return this.unsettled.size === 0 && this.ports.now() >= this.notBefore;
  }

  /** How long training stood still for the last save. */
  get lastStallMs(): number {
    return this.stallMs;
  }

  settle(requestId: string): void {
    this.unsettled.delete(requestId);
  }

  /**
   * Copies the state out before it returns control; resolves when the files are on disk (true) or that failed (false).
   */
  save(run: TrainingRun, request: SaveRequest): Promise<boolean> {
    const startedAt = this.ports.now();
    let captured: CapturedState;
    try {
      captured = run.capture();
    } catch (error) {
      this.refuse(request, error);
      return Promise.resolve(false);
    }
    const capturedAt = this.ports.now();
    const stallMs = capturedAt - startedAt;
    this.stallMs = stallMs;
    this.unsettled.add(request.request_id);
    this.count += 1;
    const name = `${String(this.count).padStart(6, '0')}-${request.kind}-${captured.position.step}`;
    const dir = join(this.ports.spoolDir, name);
    const done = this.writing.then(() => this.write({ captured, request, dir, stallMs, capturedAt }));
    this.writing = done;
    return done;
  }

  /** Resolves when everything captured is on disk or given up. */
  async drain(): Promise<void> {
    await this.writing;
  }

  private refuse({ request_id }: SaveRequest, error: unknown): void {
    this.unsettled.delete(request_id);
    this.notBefore = this.ports.now() + Math.min(FIRST_RETRY_MS * 2 ** this.failures, LAST_RETRY_MS);
    this.failures += 1;
    this.ports.emit({
      type: 'save_failed',
      request_id,
      message: error instanceof Error ? error.message : String(error),
    });
  }

  private async write(save: {
    readonly captured: CapturedState;
    readonly request: SaveRequest;
    readonly dir: string;
    readonly stallMs: number;
    readonly capturedAt: number;
  }): Promise<boolean> {
    const { captured, request, dir, stallMs, capturedAt } = save;
    const { reach, emit } = this.ports;
    const { request_id } = request;
    try {
      await reach('save.captured');
      await writeCheckpointFiles(dir, captured.files, {
        // Before the first write is asked for: while training goes on, whatever is awaited ends with a step.
        onWriting: (writing) => emit({ type: 'saving', request_id, dir: writing.dir, files: [...writing.files] }),
        beforeNamed: () => reach('save.written'),
      });
      await reach('save.named');
    } catch (error) {
      this.refuse(request, error);
      return false;
    }
    this.failures = 0;
    this.notBefore = -Infinity;
    const { step, epoch } = captured.position;
    emit({
      type: 'saved',
      ...request,
      step,
      epoch,
      dir,
      files: captured.files.map(({ name }) => name),
      stall_ms: stallMs,
      write_ms: this.ports.now() - capturedAt,
      metrics: captured.metrics,
      best: captured.best,
    });
    return true;
  }
}

import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { TrainerControl, TrainerEvent } from '@ktrdr/contracts';
import type { Trainer, TrainerExit, TrainerListener, TrainerReady } from '../supervisor/ports.js';
import { toReportedError } from '../supervisor/trainer-exit.js';
import type { DirectoryState } from './completeness.js';
import { DirectoryProgress } from './directory-progress.js';
import { DirectoryRun, type DirectoryRunEnd, type DirectoryRunOrder, type Point } from './directory-run.js';
import { LogReader } from './log-reader.js';
import { fingerprintOf, readResult, sha256OfFiles } from './program-result.js';

type Control<T extends TrainerControl['type']> = Extract<TrainerControl, { type: T }>;
type Next = 'again' | 'over';

export type DirectoryTrainerOrder = Pick<DirectoryRunOrder, 'spec' | 'place' | 'folder' | 'toCommand'>;

const RETRY_TAKING_MS = 10_000;
const KILLED = { code: null, signal: 'SIGKILL', stderrTail: [] } as const;

/**
 * A program that knows nothing of the trainer protocol, behind the port that speaks it: its checkpoint directories
 * become saves, its output progress, a request to stop a signal. What it was told too late to withdraw, it does anew
 * from its newest complete checkpoint.
 */
export class DirectoryTrainer implements Trainer {
  readonly ready: TrainerReady;
  private listener: TrainerListener | undefined;
  private readonly reader: LogReader;
  private progress: DirectoryProgress;
  private start: Control<'start'> | undefined;
  private stop: Control<'stop'> | null = null;
  private changed = Promise.withResolvers<void>();
  private current: DirectoryRun | undefined;
  private runs = 0;
  private isKilled = false;
  private hasLeft = false;
  /** The newest step that was offered as a save. */
  private offered = -1;
  private unsettled: string | null = null;
  private retryAt = -Infinity;
  private dataFingerprint: string | undefined;

  constructor(private readonly order: DirectoryTrainerOrder) {
    const { trainer } = order.spec;
    const pidOf = (): number => this.current?.pid ?? 0;
    this.ready = {
      type: 'ready',
      trainer: `process:${basename(trainer.command[0] ?? '')}`,
      version: 'unknown',
      backends: [],
      operation_types: ['training'],
      get pid() {
        return pidOf();
      },
    };
    this.reader = new LogReader(trainer.log_patterns);
    this.progress = new DirectoryProgress({ step: 0, epoch: 0 }, this.totals);
  }

  attach(listener: TrainerListener): void {
    this.listener = listener;
    if (this.hasLeft) listener.onExit({ ...KILLED, violation: null });
  }

  send(control: TrainerControl): void {
    switch (control.type) {
      case 'start':
        this.start = control;
        void this.carryOut(control).catch((error: unknown) => this.fail(error));
        return;
      case 'save':
        return this.emit({
          type: 'save_failed',
          request_id: control.request_id,
          message: 'A program that writes checkpoint directories saves when it chooses to',
        });
      case 'stop':
        this.stop = control;
        this.current?.stop();
        return this.tellChange();
      case 'continue':
        this.stop = null;
        return this.tellChange();
      case 'settled':
        if (this.unsettled === control.request_id) this.unsettled = null;
    }
  }

  kill(): void {
    this.isKilled = true;
    this.current?.kill();
    this.tellChange();
    if (!this.current) this.leave(KILLED);
  }

  private get totals() {
    return { steps: this.order.spec.steps ?? 0, epochs: this.order.spec.epochs ?? 0 };
  }

  private async carryOut({ resume }: Control<'start'>): Promise<void> {
    for (let point: Point | null = resume; ;) {
      const run = new DirectoryRun(this.runOrder(point), point);
      this.current = run;
      this.runs += 1;
      this.offered = point?.step ?? -1;
      this.progress = new DirectoryProgress(point ?? { step: 0, epoch: 0 }, this.totals);
      this.dataFingerprint ??= await fingerprintOf(this.order.place.dataFile);
      if (this.isKilled) return void this.leave(KILLED);
      const end = await run.run();
      if (this.isKilled) return void this.leave(end.exit);
      const before: Point | null = point;
      point = (await this.keepNewest(run, end.complete)) ?? before;
      if ((await this.conclude(run, end, point)) === 'over') return;
      await run.clear();
    }
  }

  private runOrder(from: Point | null): DirectoryRunOrder {
    return {
      ...this.order,
      onLog: (stream, line) => {
        this.listener?.onLog(stream, line);
        const reading = this.reader.read(line);
        if (reading) for (const event of this.progress.read(reading)) this.emit(event);
      },
      onSpawned: () => {
        this.emit({
          type: 'started',
          step: from?.step ?? 0,
          epoch: from?.epoch ?? 0,
          ...this.totals,
          backend: null,
          backend_version: '',
          backend_reason: 'a program of its own',
          data_fingerprint: this.dataFingerprint ?? 'none',
          parameters: 0,
        });
        if (this.stop) this.current?.stop();
      },
      onSeen: (complete) => this.offer(complete),
      onUnusable: ({ message }) => this.warn('checkpoint-failed', message),
    };
  }

  /** One periodic save at a time, and only of the newest. */
  private async offer(complete: readonly DirectoryState[]): Promise<void> {
    const newest = complete.at(-1);
    const { current, start } = this;
    if (!newest || !current || !start || newest.step <= this.offered) return;
    if (this.unsettled !== null || performance.now() < this.retryAt) return;
    const id = `periodic-${start.attempt}-${this.runs}-${newest.step}`;
    const dir = join(start.spool_dir, id);
    const startedAt = performance.now();
    try {
      const files = await current.take(newest.step, dir, 'copy');
      if (!files) return; // it has changed or gone: the next look tells
      this.offered = newest.step;
      this.unsettled = id;
      for (const event of this.progress.reachedByCheckpoint(newest.step)) this.emit(event);
      this.emitSaved(id, 'periodic', { dir, step: newest.step, epoch: this.progress.at(newest.step).epoch }, files);
    } catch (error) {
      this.retryAt = startedAt + RETRY_TAKING_MS;
      this.emit({ type: 'save_failed', request_id: id, message: notTaken(newest.step, error) });
    }
  }

  /** The newest complete one of an ended program, in the spool where it stays; null when there is none. */
  private async keepNewest(run: DirectoryRun, complete: readonly DirectoryState[]): Promise<Point | null> {
    const { start } = this;
    if (!start) return null;
    for (const { step } of complete.toReversed()) {
      const dir = join(start.spool_dir, `kept-${this.runs}-${step}`);
      try {
        if (await run.take(step, dir, 'link')) return { dir, step, epoch: this.progress.at(step).epoch };
      } catch (error) {
        this.warn('checkpoint-failed', notTaken(step, error));
      }
    }
    return null;
  }

  private async conclude(run: DirectoryRun, end: DirectoryRunEnd, point: Point | null): Promise<Next> {
    const { exit } = end;
    if (exit.code === 0 && (!end.wasSignalled || (await this.isDone(run, point)))) return this.complete(run, point);
    if (!end.wasSignalled) return this.crash(exit, point);
    const { stop_signal: signal, grace_seconds: grace } = this.order.spec.trainer;
    if (end.outlastedGrace) {
      this.warn('trainer-killed', `The program had not ended ${grace} s after ${signal} and was killed`);
    }
    return this.answerStop(point);
  }

  /** It was told to stop when it had nothing left to do. */
  private async isDone(run: DirectoryRun, point: Point | null): Promise<boolean> {
    const { steps } = this.order.spec;
    if (steps !== null && point !== null && point.step >= steps) return true;
    return (await stat(run.resultFile).catch(() => null)) !== null;
  }

  private async complete(run: DirectoryRun, point: Point | null): Promise<Next> {
    const { start } = this;
    const own = await this.resultOf(run);
    const hash = point ? { checkpoint_sha256: await sha256OfFiles(point.dir) } : {};
    if (point && start) this.emitSaved(`final-${start.attempt}`, 'final', point, await readdir(point.dir));
    const { step, epoch } = this.progress.position;
    const at = { step: Math.max(step, point?.step ?? 0), epoch: Math.max(epoch, point?.epoch ?? 0) };
    this.emit({ type: 'completed', ...at, result: { ...own, ...hash } });
    return this.leaveWell();
  }

  private async crash(exit: DirectoryRunEnd['exit'], point: Point | null): Promise<Next> {
    const { start } = this;
    if (point && start && point.step > this.offered) {
      this.emitSaved(`last-${start.attempt}`, 'periodic', point, await readdir(point.dir));
    }
    return this.leave(exit);
  }

  /** Again and again, until one of the answers is enough: what is asked for may change meanwhile. */
  private async answerStop(point: Point | null): Promise<Next> {
    for (let answered: Control<'stop'> | null = null; ;) {
      if (this.isKilled) return this.leave(KILLED);
      const { stop } = this;
      if (!stop) return 'again';
      if (stop.save === null) {
        this.emit({ type: 'stopped', ...this.progress.position });
        return this.leaveWell();
      }
      if (point) return this.stopAt(point, stop.save);
      if (stop !== answered) {
        answered = stop;
        const message = `The program ended without a complete ${this.order.spec.trainer.checkpoint_dir}/checkpoint-<step> directory, and there is none from before: nothing can be saved`;
        this.emit({ type: 'save_failed', request_id: stop.save.request_id, message });
        continue;
      }
      await this.changed.promise;
    }
  }

  private async stopAt(point: Point, save: NonNullable<Control<'stop'>['save']>): Promise<Next> {
    const { step } = this.progress.position;
    if (step > point.step) {
      const signal = this.order.spec.trainer.stop_signal;
      this.warn(
        'steps-repeated',
        `The program ended on ${signal} at step ${step} and its newest complete checkpoint is of step ${point.step}: ` +
          `a resume does the ${step - point.step} steps after it again. Let it save on ${signal} to lose none`,
      );
    }
    this.emitSaved(save.request_id, save.kind, point, await readdir(point.dir));
    this.emit({ type: 'stopped', step: point.step, epoch: point.epoch });
    return this.leaveWell();
  }

  private emitSaved(
    request_id: string,
    kind: Extract<TrainerEvent, { type: 'saved' }>['kind'],
    { dir, step, epoch }: Point,
    files: readonly string[],
  ): void {
    const { metrics } = this.progress.at(step);
    this.emit({
      type: 'saved',
      request_id,
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

  private async resultOf(run: DirectoryRun): Promise<Readonly<Record<string, unknown>>> {
    const left = await readResult(run.resultFile);
    if (left.kind === 'unreadable')
      this.warn('result-unreadable', `The program's result.json is left out: ${left.reason}`);
    return left.kind === 'read' ? left.result : {};
  }

  private warn(code: string, message: string): void {
    this.emit({ type: 'warning', code, message });
  }

  private fail(error: unknown): void {
    this.current?.kill();
    if (!this.hasLeft) this.emit({ type: 'failed', ...toReportedError(error) });
    this.leaveWell();
  }

  private leaveWell(): Next {
    return this.leave({ code: 0, signal: null, stderrTail: [] });
  }

  private leave(exit: Omit<TrainerExit, 'violation'>): Next {
    if (!this.hasLeft) {
      this.hasLeft = true;
      this.listener?.onExit({ ...exit, violation: null });
    }
    return 'over';
  }

  private emit(event: TrainerEvent): void {
    if (!this.hasLeft) this.listener?.onEvent(event);
  }

  private tellChange(): void {
    this.changed.resolve();
    this.changed = Promise.withResolvers<void>();
  }
}

function notTaken(step: number, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return `The directory checkpoint-${step} could not be taken into the spool: ${reason}. Training goes on; check free space and rights`;
}

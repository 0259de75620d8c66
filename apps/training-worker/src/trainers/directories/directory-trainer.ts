import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import type { TrainerControl, TrainerEvent } from '@ktrdr/contracts';
import { PROGRAM_TYPES } from '@ktrdr/operations/model';
import type { LocalCheckpoint, ProgramExit, Trainer, TrainerListener, TrainerReady } from '../ports.js';
import { toReportedError } from '../trainer-exit.js';
import type { Refusal } from './checkpoint-names.js';
import { DirectoryProgress } from './directory-progress.js';
import { type ProgramEnd, WatchedProgram, type WatchedProgramOrder } from './watched-program.js';
import { DirectorySaves } from './directory-saves.js';
import { LogReader } from './log-reader.js';
import { fingerprintOf, isThere, readResult, sha256OfFiles } from './program-result.js';

type Control<T extends TrainerControl['type']> = Extract<TrainerControl, { type: T }>;
type Next = 'again' | 'over';

/** A run that has ended, and the point to continue from. */
interface RunOver {
  readonly run: WatchedProgram;
  readonly saves: DirectorySaves;
  readonly end: ProgramEnd;
  readonly point: LocalCheckpoint | null;
  /** A newer state than the point, which could not be saved. */
  readonly lost: Refusal | null;
}

export type DirectoryTrainerOrder = Pick<WatchedProgramOrder, 'spec' | 'place' | 'folder' | 'toCommand'>;

const KILLED = { code: null, signal: 'SIGKILL', stderrTail: [] } as const;

/**
 * Runs a program without the trainer protocol behind the port of a trainer. Its checkpoint directories become saves, its
 * output becomes progress, and a request to stop becomes a signal. When a stop is withdrawn after the signal, the program
 * starts again from its newest complete checkpoint.
 */
export class DirectoryTrainer implements Trainer {
  readonly ready: TrainerReady;
  private listener: TrainerListener | undefined;
  private readonly reader: LogReader;
  private progress: DirectoryProgress;
  private stop: Control<'stop'> | null = null;
  private changed = Promise.withResolvers<void>();
  private current: WatchedProgram | undefined;
  private runs = 0;
  private isKilled = false;
  private hasLeft = false;
  private saves: DirectorySaves | undefined;
  private dataFingerprint: string | undefined;

  constructor(private readonly order: DirectoryTrainerOrder) {
    const { trainer } = order.spec;
    const pidOf = (): number => this.current?.pid ?? 0;
    this.ready = {
      type: 'ready',
      trainer: `process:${basename(trainer.command[0] ?? '')}`,
      version: 'unknown',
      backends: [],
      operation_types: [...PROGRAM_TYPES],
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
        return this.notifyChange();
      case 'continue':
        this.stop = null;
        return this.notifyChange();
      case 'settled':
        this.saves?.settled(control.request_id);
    }
  }

  kill(): void {
    this.isKilled = true;
    this.current?.kill();
    this.notifyChange();
    if (!this.current) this.leave(KILLED);
  }

  private get totals() {
    return { steps: this.order.spec.steps ?? 0, epochs: this.order.spec.epochs ?? 0 };
  }

  private async carryOut(start: Control<'start'>): Promise<void> {
    for (let point: LocalCheckpoint | null = start.resume; ;) {
      const run = new WatchedProgram(this.runOrder(point), point);
      this.current = run;
      this.runs += 1;
      this.progress = new DirectoryProgress(point ?? { step: 0, epoch: 0 }, this.totals);
      const { progress, runs: nth } = this;
      const emit = (event: TrainerEvent): void => this.emit(event);
      const saves = new DirectorySaves({ start, run, progress, nth, emit }, point?.step ?? -1);
      this.saves = saves;
      this.dataFingerprint ??= await fingerprintOf(this.order.place.dataFile);
      if (this.isKilled) return void this.leave(KILLED);
      const end = await run.run();
      if (this.isKilled) return void this.leave(end.exit);
      const kept = await saves.keepNewest(end.complete);
      point = kept.point ?? point;
      const lost = newestSince(point, [end.refused, kept.lost]);
      if ((await this.conclude({ run, saves, end, point, lost })) === 'over') return;
      await run.clear();
    }
  }

  private runOrder(from: LocalCheckpoint | null): WatchedProgramOrder {
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
      onSeen: async (complete) => this.saves?.offer(complete),
      onRefused: (message) => this.warn('checkpoint-failed', message),
    };
  }

  private async conclude(over: RunOver): Promise<Next> {
    const { run, end, point } = over;
    const { exit } = end;
    if (exit.code === 0 && (!end.wasSignalled || (await this.isDone(run, point)))) return this.complete(over);
    if (!end.wasSignalled) return this.crash(over);
    const { stop_signal: signal, grace_seconds: grace } = this.order.spec.trainer;
    if (end.outlastedGrace) {
      this.warn('trainer-killed', `The program had not ended ${grace} s after ${signal} and was killed`);
    }
    return this.answerStop(over);
  }

  /** The signal came when the program had nothing left to do. */
  private async isDone(run: WatchedProgram, point: LocalCheckpoint | null): Promise<boolean> {
    const { steps } = this.order.spec;
    if (steps !== null && point !== null && point.step >= steps) return true;
    return isThere(run.resultFile);
  }

  private async complete({ run, saves, point, lost }: RunOver): Promise<Next> {
    if (lost) return this.failUnsaved(saves, point, lost);
    const own = await this.resultOf(run);
    const hash = point ? { checkpoint_sha256: await sha256OfFiles(point.dir) } : {};
    if (point) saves.emitSaved(`final-${this.order.place.attempt}`, 'final', point, await readdir(point.dir));
    const { step, epoch } = this.progress.position;
    const at = { step: Math.max(step, point?.step ?? 0), epoch: Math.max(epoch, point?.epoch ?? 0) };
    this.emit({ type: 'completed', ...at, result: { ...own, ...hash } });
    return this.leaveWell();
  }

  /** As when the object store refuses the final checkpoint: a resume continues from the one before. */
  private async failUnsaved(saves: DirectorySaves, point: LocalCheckpoint | null, lost: Refusal): Promise<Next> {
    await this.saveLast(saves, point);
    const message = `The program ended with exit code 0, but its last state cannot be saved, and without a final checkpoint an operation is not completed. ${lost.message}`;
    this.emit({ type: 'failed', code: 'checkpoint-failed', message, details: {} });
    return this.leaveWell();
  }

  private async crash({ end, saves, point }: RunOver): Promise<Next> {
    await this.saveLast(saves, point);
    return this.leave(end.exit);
  }

  private async saveLast(saves: DirectorySaves, point: LocalCheckpoint | null): Promise<void> {
    if (!point || point.step <= saves.newestOffered) return;
    saves.emitSaved(`last-${this.order.place.attempt}`, 'periodic', point, await readdir(point.dir));
  }

  /** Repeats until an answer is enough: the request may change meanwhile. */
  private async answerStop({ saves, point }: RunOver): Promise<Next> {
    for (let answered: Control<'stop'> | null = null; ;) {
      if (this.isKilled) return this.leave(KILLED);
      const { stop } = this;
      if (!stop) return 'again';
      if (stop.save === null) {
        this.emit({ type: 'stopped', ...this.progress.position });
        return this.leaveWell();
      }
      if (point) return this.stopAt(saves, point, stop.save);
      if (stop !== answered) {
        answered = stop;
        const message = `The program ended without a complete ${this.order.spec.trainer.checkpoint_dir}/checkpoint-<step> directory, and there is none from before: nothing can be saved`;
        this.emit({ type: 'save_failed', request_id: stop.save.request_id, message });
        continue;
      }
      await this.changed.promise;
    }
  }

  private async stopAt(
    saves: DirectorySaves,
    point: LocalCheckpoint,
    save: NonNullable<Control<'stop'>['save']>,
  ): Promise<Next> {
    const { step } = this.progress.position;
    if (step > point.step) {
      const signal = this.order.spec.trainer.stop_signal;
      this.warn(
        'steps-repeated',
        `The program ended on ${signal} at step ${step} and its newest complete checkpoint is of step ${point.step}: ` +
          `a resume does the ${step - point.step} steps after it again. Let it save on ${signal} to lose none`,
      );
    }
    saves.emitSaved(save.request_id, save.kind, point, await readdir(point.dir));
    this.emit({ type: 'stopped', step: point.step, epoch: point.epoch });
    return this.leaveWell();
  }

  private async resultOf(run: WatchedProgram): Promise<Readonly<Record<string, unknown>>> {
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

  private leave(exit: ProgramExit): Next {
    if (!this.hasLeft) {
      this.hasLeft = true;
      this.listener?.onExit({ ...exit, violation: null });
    }
    return 'over';
  }

  private emit(event: TrainerEvent): void {
    if (!this.hasLeft) this.listener?.onEvent(event);
  }

  private notifyChange(): void {
    this.changed.resolve();
    this.changed = Promise.withResolvers<void>();
  }
}

function newestSince(point: LocalCheckpoint | null, refusals: readonly (Refusal | null)[]): Refusal | null {
  const from = point?.step ?? -1;
  const newer = refusals.filter((each) => each !== null && each.step > from);
  return newer.reduce<Refusal | null>((a, b) => (a && b && a.step >= b.step ? a : b), null);
}

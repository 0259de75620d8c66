import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessTrainingSpec } from '@ktrdr/specs';
import { ChildProgram } from '../child-program.js';
import type { ProgramCommand } from '../program-guard.js';
import type { LocalCheckpoint, ProgramExit } from '../ports.js';
import { directoryName } from './checkpoint-names.js';
import type { ProgramState } from './completeness.js';
import { type CompleteDirectory, DirectoryWatch, type Findings } from './directory-watch.js';
import { type ProgramPlace, writeSpecFiles } from '../programs/program-environment.js';
import { isThere } from './program-result.js';
import { returnDirectory, takeDirectory, type TakingMode } from './saved-directory.js';

export type DirectorySpec = ProcessTrainingSpec & {
  readonly trainer: Extract<ProcessTrainingSpec['trainer'], { readonly complete: object }>;
};

export interface WatchedProgramOrder {
  readonly spec: DirectorySpec;
  readonly place: Omit<ProgramPlace, 'workDir' | 'resume'>;
  /** Where working directories are made. */
  readonly folder: string;
  readonly toCommand: (place: ProgramPlace) => Promise<ProgramCommand>;
  readonly onLog: (stream: 'stdout' | 'stderr', line: string) => void;
  readonly onSpawned: () => void;
  /** After each look: the complete directories that are newer than where it began, oldest first. */
  readonly onSeen: (complete: readonly CompleteDirectory[]) => Promise<void>;
  /** A directory is passed over. */
  readonly onRefused: (message: string) => void;
}

export interface ProgramEnd extends Findings {
  readonly exit: ProgramExit;
  /** It was killed because it did not end within the grace after the signal. */
  readonly outlastedGrace: boolean;
  readonly wasSignalled: boolean;
}

const LOOK_EVERY_MS = 250;

/** One run of a program in a working directory of its own, whose checkpoint directories are watched while it runs. */
export class WatchedProgram {
  private program: ChildProgram | undefined;
  private exit: ProgramExit | undefined;
  private readonly exited = Promise.withResolvers<void>();
  private watch: DirectoryWatch | undefined;
  private graceTimer: NodeJS.Timeout | undefined;
  private wasSignalled = false;
  private outlastedGrace = false;
  private isKilled = false;
  private workDir = '';

  constructor(
    private readonly order: WatchedProgramOrder,
    private readonly from: LocalCheckpoint | null,
  ) {}

  get pid(): number | undefined {
    return this.program?.pid;
  }

  /** Settles when the program is gone and its directories have been looked at for the last time. */
  async run(): Promise<ProgramEnd> {
    const command = await this.prepare();
    const watch = this.watched();
    this.watch = watch;
    if (!this.isKilled) this.spawn(command);
    else this.ended({ code: null, signal: 'SIGKILL', stderrTail: [] });
    while (!this.exit) {
      await this.order.onSeen((await watch.look('running')).complete);
      await Promise.race([delay(LOOK_EVERY_MS, undefined, { ref: false }), this.exited.promise]);
    }
    const last = await watch.look(await this.howEnded(this.exit));
    const { exit, outlastedGrace, wasSignalled } = this;
    return { exit, outlastedGrace, wasSignalled, ...last };
  }

  /** Asks it to end, once; past the grace it is killed. */
  stop(): void {
    if (this.wasSignalled || this.exit || !this.program) return;
    const { stop_signal, grace_seconds } = this.order.spec.trainer;
    this.wasSignalled = true;
    this.watch?.beforeSignal();
    this.program.signal(stop_signal);
    this.graceTimer = setTimeout(() => {
      this.outlastedGrace = true;
      this.program?.kill();
    }, grace_seconds * 1_000);
  }

  kill(): void {
    this.isKilled = true;
    this.program?.kill();
  }

  /** Takes a directory into the spool: its new place and its files there; null when it has gone or changed meanwhile. */
  async take({ name }: CompleteDirectory, into: string, mode: TakingMode): Promise<readonly string[] | null> {
    return takeDirectory(join(this.checkpoints, name), into, mode);
  }

  /** The file of its result. */
  get resultFile(): string {
    return join(this.workDir, 'result.json');
  }

  /** Its working directory is not needed any more. */
  async clear(): Promise<void> {
    if (this.workDir) await rm(this.workDir, { recursive: true, force: true });
  }

  private get checkpoints(): string {
    return join(this.workDir, this.order.spec.trainer.checkpoint_dir);
  }

  private async prepare(): Promise<ProgramCommand> {
    const { spec, folder, place, toCommand } = this.order;
    this.workDir = await mkdtemp(join(folder, 'work-'));
    await mkdir(this.checkpoints, { recursive: true });
    const dir = this.from && join(this.checkpoints, directoryName(this.from.step));
    if (this.from && dir) await returnDirectory(this.from.dir, dir);
    await writeSpecFiles(this.workDir, spec);
    const resume = this.from && dir ? { dir, step: this.from.step } : null;
    return { ...(await toCommand({ ...place, workDir: this.workDir, resume })), cwd: this.workDir };
  }

  private spawn(command: ProgramCommand): void {
    const { onLog, onSpawned } = this.order;
    // It gets no descriptors of the trainer protocol.
    this.program = new ChildProgram(command, ['ignore', 'ignore'], {
      onLog,
      onTooLong: () => onLog('stderr', '(a line was left out: it was too long)'),
      onExit: (exit) => this.ended(exit),
    });
    this.program.child.once('spawn', onSpawned);
  }

  private ended(exit: ProgramExit): void {
    clearTimeout(this.graceTimer);
    this.exit = exit;
    this.exited.resolve();
  }

  private watched(): DirectoryWatch {
    const { spec, onRefused } = this.order;
    const firstStep = this.from ? this.from.step + 1 : 0;
    return new DirectoryWatch({ place: this.checkpoints, rule: spec.trainer.complete, firstStep, onRefused });
  }

  /** A result means that the program finished, even when the signal came meanwhile. */
  private async howEnded({ code }: ProgramExit): Promise<ProgramState> {
    if (code !== 0) return 'ended-badly';
    return this.wasSignalled && !(await isThere(this.resultFile)) ? 'ended-on-signal' : 'ended-well';
  }
}

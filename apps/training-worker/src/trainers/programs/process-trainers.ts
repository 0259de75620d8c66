import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { namesTrainer, ProcessTrainingSpec } from '@ktrdr/specs';
import type { Logger } from 'pino';
import type { ProgramCommand } from '../program-guard.js';
import { OperationUnusableError, TrainerProtocolError, TrainerUnreadyError } from '../../errors.js';
import type { Trainer, TrainerJob, TrainerSource } from '../ports.js';
import type { TrainerPool } from '../trainer-pool.js';
import { TrainerProcess } from '../trainer-process.js';
import { AllowedPrograms } from './allowed-programs.js';
import type { DirectorySpec } from '../directories/watched-program.js';
import { DirectoryTrainer } from '../directories/directory-trainer.js';
import { TrainerNotAllowedError, TrainerNotStartedError } from './errors.js';
import { CancelGrace } from './cancel-grace.js';
import { commandOf, environmentOf, type ProgramPlace, valuesOf, writeSpecFiles } from './program-environment.js';

/** The operator's limits for programs. */
export interface ProcessTrainerSettings {
  /** Names, files, folders, or `*`. */
  readonly programs: readonly string[];
  /** Replaces `{program_dir}`, and is the folder of relative paths. */
  readonly programDir: string;
  /** Names of the worker's own variables that programs get beside the usual ones. */
  readonly passedVariables: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** From the start of a program to its `ready`. */
const READY_WITHIN_MS = 120_000;

/**
 * Trainers for every operation: a program of its own for one that names it, the built-in one for all others.
 * @param settings null: the operator allows no programs.
 */
export class ProcessTrainers implements TrainerSource {
  private readonly alive = new Set<Trainer>();
  private isClosed = false;

  constructor(
    private readonly builtIn: Pick<TrainerPool, 'take' | 'refill' | 'close'>,
    private readonly settings: ProcessTrainerSettings | null,
    private readonly log: Logger,
  ) {}

  /** @throws TrainerNotAllowedError, TrainerNotFoundError, TrainerNotStartedError, TrainerProtocolError */
  async take(job: TrainerJob): Promise<Trainer> {
    if (!namesTrainer(job.spec)) return this.builtIn.take();
    const parsed = ProcessTrainingSpec.safeParse(job.spec);
    if (!parsed.success) {
      throw new OperationUnusableError('This worker does not know such a trainer; it may be older than the API', {
        problems: parsed.error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`),
      });
    }
    const spec = parsed.data;
    const { settings } = this;
    if (!settings) {
      const reason = 'its operator has not allowed that (KTRDR_PROCESS_TRAINERS)';
      throw new TrainerNotAllowedError(spec.trainer.command[0] ?? '', reason);
    }
    const trainer = isForDirectories(spec)
      ? await this.overDirectories(spec, job, settings)
      : await this.overProtocol(spec, job, settings);
    this.alive.add(trainer);
    if (this.isClosed) trainer.kill();
    return trainer;
  }

  refill(): void {
    this.builtIn.refill();
  }

  /** Ends every trainer at once. */
  close(): void {
    this.isClosed = true;
    for (const trainer of this.alive) trainer.kill();
    this.builtIn.close();
  }

  /** The attempt is over, and its program with it. */
  release(trainer: Trainer): void {
    this.alive.delete(trainer);
  }

  private async overDirectories(
    spec: DirectorySpec,
    job: TrainerJob,
    settings: ProcessTrainerSettings,
  ): Promise<Trainer> {
    const toCommand = (place: ProgramPlace): Promise<ProgramCommand> => this.toCommand(spec, place, settings);
    const { operationId, attempt, dataFile, folder } = job;
    const place = { operationId, attempt, dataFile, programDir: settings.programDir };
    // A program that is not allowed is refused before anything is created for it.
    await toCommand({ ...place, workDir: folder, resume: null });
    return new DirectoryTrainer({ spec, place, folder, toCommand });
  }

  private async overProtocol(
    spec: ProcessTrainingSpec,
    job: TrainerJob,
    settings: ProcessTrainerSettings,
  ): Promise<Trainer> {
    const { operationId, attempt, dataFile, folder, resume } = job;
    const workDir = await mkdtemp(join(folder, 'work-'));
    await writeSpecFiles(workDir, spec);
    const place = { operationId, attempt, dataFile, programDir: settings.programDir, workDir, resume };
    const command = { ...(await this.toCommand(spec, place, settings)), cwd: workDir };
    try {
      const trainer = await TrainerProcess.start(command, READY_WITHIN_MS);
      return new CancelGrace(trainer, spec.trainer.grace_seconds * 1_000);
    } catch (error) {
      if (!(error instanceof TrainerUnreadyError)) throw error;
      if (error.exit) throw new TrainerNotStartedError(error.exit);
      throw new TrainerProtocolError(`${error.message}: the first event on descriptor 4 must be "ready"`);
    }
  }

  private async toCommand(
    spec: ProcessTrainingSpec,
    place: ProgramPlace,
    { programs, programDir, passedVariables, env }: ProcessTrainerSettings,
  ): Promise<ProgramCommand> {
    const values = valuesOf(spec, place);
    const [program, ...args] = commandOf(spec, values);
    const searchPath = searchPathOf(env);
    const path = await new AllowedPrograms({ allowed: programs, searchPath, folder: programDir }).locate(program);
    this.log.info({ operationId: place.operationId, attempt: place.attempt, program: path }, 'program allowed');
    const environment = environmentOf(env, passedVariables, values, spec.trainer.grace_seconds);
    return { command: path, args, env: environment };
  }
}

/** Where programs without a slash are looked for. */
export function searchPathOf(env: NodeJS.ProcessEnv): string {
  return env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
}

function isForDirectories(spec: ProcessTrainingSpec): spec is DirectorySpec {
  return spec.trainer.interface === 'directories';
}

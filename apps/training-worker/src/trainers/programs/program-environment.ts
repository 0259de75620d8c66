import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandPlaceholder, ProcessTrainingSpec } from '@ktrdr/specs';
import { fillPlaceholders } from '@ktrdr/specs';

/** Variables of the worker that every program gets. Any other may be a secret. */
const PASSED_ON =
  /^(PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|LD_LIBRARY_PATH|CUDA_\w+|NVIDIA_\w+|ROCR_\w+|HIP_\w+|OMP_\w+|MKL_\w+|OPENBLAS_\w+|XLA_\w+)$/;

/** The places of one run of a program. */
export interface ProgramPlace {
  readonly operationId: string;
  readonly attempt: number;
  /** Its working directory, which nothing else uses. */
  readonly workDir: string;
  /** The operator's folder of programs. */
  readonly programDir: string;
  /** null: it begins at the beginning. */
  readonly resume: { readonly dir: string; readonly step: number } | null;
  readonly dataFile: string | null;
}

/** Writes `params.json` and `spec.json`, which every program finds in its working directory. */
export async function writeSpecFiles(workDir: string, spec: ProcessTrainingSpec): Promise<void> {
  await writeFile(join(workDir, 'params.json'), `${JSON.stringify(spec.params, null, 2)}\n`);
  await writeFile(join(workDir, 'spec.json'), `${JSON.stringify(spec, null, 2)}\n`);
}

/** The values of the placeholders, by name. */
export function valuesOf(
  spec: ProcessTrainingSpec,
  place: ProgramPlace,
): Readonly<Partial<Record<CommandPlaceholder, string>>> {
  const { trainer } = spec;
  return {
    operation_id: place.operationId,
    attempt: String(place.attempt),
    work_dir: place.workDir,
    program_dir: place.programDir,
    spec_file: join(place.workDir, 'spec.json'),
    params_file: join(place.workDir, 'params.json'),
    ...('checkpoint_dir' in trainer && trainer.checkpoint_dir !== undefined
      ? {
          checkpoint_dir: join(place.workDir, trainer.checkpoint_dir),
          result_file: join(place.workDir, 'result.json'),
        }
      : {}),
    ...(place.resume ? { resume_dir: place.resume.dir, resume_step: String(place.resume.step) } : {}),
    ...(place.dataFile ? { data_file: place.dataFile } : {}),
  };
}

/** The program and its arguments, with every placeholder filled. */
export function commandOf(
  { trainer }: ProcessTrainingSpec,
  values: ReturnType<typeof valuesOf>,
): readonly [string, ...string[]] {
  const isResume = values.resume_dir !== undefined;
  const [program = '', ...args] = [...trainer.command, ...(isResume ? trainer.resume_args : [])];
  return [fillPlaceholders(program, values), ...args.map((argument) => fillPlaceholders(argument, values))];
}

/**
 * The environment of a program: some variables of the worker, those that its operator names, and a `KTRDR_*` variable
 * for each placeholder.
 */
export function environmentOf(
  worker: NodeJS.ProcessEnv,
  added: readonly string[],
  values: ReturnType<typeof valuesOf>,
  graceSeconds: number,
): NodeJS.ProcessEnv {
  const inherited = Object.entries(worker).filter(([name]) => PASSED_ON.test(name) || added.includes(name));
  const placeholders = Object.entries(values).map(([name, value]) => [`KTRDR_${name.toUpperCase()}`, value]);
  return {
    // Without this, Python buffers kilobytes of output before it writes them to a pipe.
    PYTHONUNBUFFERED: '1',
    ...Object.fromEntries(inherited),
    ...Object.fromEntries(placeholders),
    KTRDR_GRACE_SECONDS: String(graceSeconds),
  };
}

import type { BackendName } from '@ktrdr/specs';
import { readCheckpointFile } from '../checkpointing/checkpoint-files.js';
import { CheckpointFileError, CheckpointIncompatibleError, DataChangedError } from '../errors.js';
import type { RestoredState, RunSetup } from '../training-run.js';
import { decodeState, TRAINER, type TrainingState } from './training-state.js';

/** Reads what a run was captured to. */
export async function readRestorePoint(dir: string): Promise<RestoredState> {
  const state = decodeState(await readCheckpointFile(dir, 'state.json'));
  const [weights, optimizer, best] = await Promise.all([
    readCheckpointFile(dir, 'weights.safetensors'),
    readCheckpointFile(dir, 'optimizer.safetensors'),
    state.best && readCheckpointFile(dir, 'best.safetensors'),
  ]);
  return { state, weights, optimizer, best };
}

export interface RestoreRules {
  /** Where the checkpoint's manifest says that it is. */
  readonly expected?: { readonly step: number; readonly epoch: number };
  /** Hashes of the specs that this one came from by recorded overrides. */
  readonly acceptedSpecSha256?: readonly string[];
  /** Goes on although the numbers will differ from an uninterrupted run's. */
  readonly allowBackendChange?: boolean;
}

/**
 * Refuses a checkpoint that would not continue the setup's run.
 * @throws {CheckpointIncompatibleError} when spec, seed or backend are others, for a strict spec also versions.
 * @throws {DataChangedError} when the data is other.
 * @throws {CheckpointFileError} when it is not at the position that it is said to be.
 */
export function assertContinues(
  { state }: RestoredState,
  { spec, specSha256, dataset, backend }: RunSetup,
  { expected, acceptedSpecSha256 = [], allowBackendChange = false }: RestoreRules = {},
): void {
  const { step, epoch } = state.position;
  if (state.spec_sha256 !== specSha256 && !acceptedSpecSha256.includes(state.spec_sha256)) {
    throw new CheckpointIncompatibleError('spec hash', state.spec_sha256, specSha256, 'resume with its own spec');
  }
  if (state.seed !== spec.seed) {
    throw new CheckpointIncompatibleError('seed', state.seed, spec.seed, 'resume with its own spec');
  }
  if (state.data_fingerprint !== dataset.fingerprint) {
    throw new DataChangedError(dataset.fingerprint, state.data_fingerprint);
  }
  if (expected && (expected.step !== step || expected.epoch !== epoch)) {
    const problem = `it is at epoch ${epoch}, step ${step}, not at epoch ${expected.epoch}, step ${expected.step}`;
    throw new CheckpointFileError('state.json', problem);
  }
  if (allowBackendChange) return;
  assertSameBackend(state.backend.name, backend.name);
  if (spec.strict) assertSameVersions(state, backend.version);
}

function assertSameBackend(found: BackendName, active: BackendName): void {
  if (found === active) return;
  const advice =
    `only ${found} gives the same numbers: resume on a worker that has it, or accept numbers that are close ` +
    'with a change of backend allowed';
  throw new CheckpointIncompatibleError('backend', found, active, advice);
}

function assertSameVersions({ backend, trainer }: TrainingState, active: string): void {
  const pairs = [
    [`version of ${backend.name}`, backend.version, active],
    [`version of ${trainer.name}`, trainer.version, TRAINER.version],
  ] as const;
  for (const [what, found, needed] of pairs) {
    if (found === needed) continue;
    const advice =
      'the spec is strict: resume on a worker that has the version of the checkpoint, or accept numbers that are close ' +
      'with a change of backend allowed';
    throw new CheckpointIncompatibleError(what, found, needed, advice);
  }
}

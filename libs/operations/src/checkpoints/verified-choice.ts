import { candidatesFor, lostSteps, nearestSteps } from './latest.js';
import { type BadFile, CheckpointCorruptedError, NoCheckpointError } from '../model/errors.js';
import { type Checkpoint, type CheckpointChoice, stepOf, type Provenance } from '../model/checkpoint.js';
import type { Operation } from '../model/operation.js';
import type { CheckpointVerifier, VerificationDepth } from './checkpoint-ports.js';

export interface WantedCheckpoint {
  /** `latest`, `best`, or a checkpoint's id. */
  readonly choice: string;
  readonly allowFallback: boolean;
  /** `deep` reads every byte, as a restore does; `quick` leaves the contents of large files to the restore. */
  readonly depth: VerificationDepth;
}

/** A checkpoint that was found damaged when its bytes were asked for. */
export interface Damage {
  readonly checkpoint: Checkpoint;
  readonly badFiles: readonly BadFile[];
}

/** A checkpoint whose bytes are right, and what was passed over to come to it. */
export interface VerifiedChoice {
  readonly checkpoint: Checkpoint;
  /** What its manifest says about where it comes from. */
  readonly provenance: Provenance | null;
  /** Steps trained so far that it does not hold. */
  readonly lostSteps: number;
  /** The damaged one that was asked for; null: this is the one. */
  readonly fellBackFrom: string | null;
  readonly damaged: readonly Damage[];
}

/**
 * The chosen checkpoint, its bytes verified. `committed` are the operation's, newest first. Null when none matches.
 * @throws {CheckpointCorruptedError} it is damaged and no fallback was allowed or found
 */
export async function verifiedChoice(
  verifier: CheckpointVerifier,
  operation: Operation,
  committed: readonly Checkpoint[],
  { choice, allowFallback, depth }: WantedCheckpoint,
): Promise<VerifiedChoice | null> {
  const trained = operation.progress?.step ?? 0;
  const candidates = candidatesFor(committed, choice, trained);
  const [chosen] = candidates;
  if (!chosen) return null;
  const { valid, provenance, damaged } = await firstValid(verifier, candidates, depth);
  const [first] = damaged;
  if (!valid || (first && !allowFallback)) {
    throw new CheckpointCorruptedError({
      operationId: operation.id,
      checkpointId: chosen.id,
      badFiles: first?.badFiles ?? [],
      fallback: valid ? { checkpointId: valid.id, step: valid.step, epoch: valid.epoch } : null,
      lostSteps: valid ? lostSteps(trained, valid.step) : null,
    });
  }
  const fellBackFrom = first ? chosen.id : null;
  return { checkpoint: valid, provenance, lostSteps: lostSteps(trained, valid.step), fellBackFrom, damaged };
}

/** The first whose bytes are right, and what is wrong with those before it. */
async function firstValid(verifier: CheckpointVerifier, candidates: readonly Checkpoint[], depth: VerificationDepth) {
  const damaged: Damage[] = [];
  for (const checkpoint of candidates) {
    const { badFiles, provenance } = await verifier.verify(checkpoint, depth);
    if (badFiles.length === 0) return { valid: checkpoint, provenance, damaged };
    damaged.push({ checkpoint, badFiles });
  }
  return { valid: null, provenance: null, damaged };
}

/** Why the operation may have no checkpoint at all. */
const NONE_AT_ALL = {
  'resume from': [
    'it stopped before its first checkpoint was committed; with a fallback allowed it begins again at step 0',
    'it was cancelled with "discard" before its first checkpoint',
    'its checkpoints were deleted',
  ],
  'fork from': ['none has been committed yet', 'operations of its type save none', 'its checkpoints were deleted'],
} as const;

/** Says that the choice names none of the operation's checkpoints, why that may be, and which steps are near. */
export function noCheckpoint(
  purpose: keyof typeof NONE_AT_ALL,
  { id: operationId }: Operation,
  choice: CheckpointChoice,
  committed: readonly Checkpoint[],
): NoCheckpointError {
  return new NoCheckpointError({
    operationId,
    choice,
    purpose,
    possibleReasons: reasonsFor(purpose, choice),
    nearestSteps: nearestSteps(committed, choice),
    canBeginAgain: purpose === 'resume from' && choice === 'latest' && committed.length === 0,
  });
}

function reasonsFor(purpose: keyof typeof NONE_AT_ALL, choice: CheckpointChoice): readonly string[] {
  if (choice === 'latest') return NONE_AT_ALL[purpose];
  if (choice === 'best') return ['no sound checkpoint has a loss to choose by'];
  return stepOf(choice) === null
    ? ['this id is not a checkpoint of this operation, or it was deleted']
    : ['none was saved at exactly this step', 'it was deleted, by hand or to keep only the last ones'];
}

import { candidatesFor } from './latest.js';
import type { Checkpoint } from '../model/checkpoint.js';
import type { Operation } from '../model/operation.js';

export interface StartingPoint {
  readonly checkpoint: Checkpoint | null;
  /** The damaged one that is passed over for it; null: none is. */
  readonly fellBackFrom: string | null;
}

/** What an attempt continues from: what was chosen, else the newest sound one. `checkpoints` are newest first. */
export function startingPoint(
  { resumeCheckpointId, progress }: Operation,
  checkpoints: readonly Checkpoint[],
): StartingPoint {
  const chosen = checkpoints.find(({ id }) => id === resumeCheckpointId);
  if (chosen) return { checkpoint: chosen, fellBackFrom: null };
  const sound = checkpoints.find(({ corruptedAt }) => corruptedAt === null);
  // With only damaged ones left, the restore finds that out and fails the operation; it does not begin again at step 0.
  if (!sound) return { checkpoint: checkpoints[0] ?? null, fellBackFrom: null };
  const [latest] = candidatesFor(checkpoints, 'latest', progress?.step ?? 0);
  return { checkpoint: sound, fellBackFrom: latest && latest !== sound ? latest.id : null };
}

import { type Checkpoint, partsOf } from '@ktrdr/operations';
import { parseManifestKey } from '../keys.js';
import { mapParallel } from '../parallel.js';
import type { ObjectStore } from '../ports.js';
import type { CheckpointGarbage } from './gc-ports.js';

const PARALLEL = 8;
const ERASED_AT_ONCE = 50;
/** Commits wait while one batch is removed. */
export const COLLECTED_AT_ONCE = 100;

/** Erases the objects and then the rows of marked checkpoints, in batches. Can be repeated after a crash. */
export async function eraseCheckpoints(
  objects: ObjectStore,
  garbage: Pick<CheckpointGarbage, 'collect' | 'removeRows'>,
  checkpoints: readonly Checkpoint[],
): Promise<void> {
  for (let start = 0; start < checkpoints.length; start += ERASED_AT_ONCE) {
    const batch = checkpoints.slice(start, start + ERASED_AT_ONCE);
    await eraseObjects(objects, garbage, batch);
    await garbage.removeRows(batch.map(({ id }) => id));
  }
}

/**
 * Removes the manifests of checkpoints whose rows are marked or gone, then those of their blobs that no other row
 * names. Can be repeated after a crash anywhere in between.
 */
export async function eraseObjects(
  objects: ObjectStore,
  garbage: Pick<CheckpointGarbage, 'collect'>,
  checkpoints: readonly Pick<Checkpoint, 'manifestKey' | 'files'>[],
): Promise<void> {
  await mapParallel(checkpoints, PARALLEL, async ({ manifestKey: key }) => {
    parseManifestKey(key);
    await objects.delete(key);
  });
  const blobs = [...new Set(checkpoints.flatMap(({ files }) => files.flatMap(partsOf).map(({ blob }) => blob)))];
  for (let start = 0; start < blobs.length; start += COLLECTED_AT_ONCE) {
    const batch = blobs.slice(start, start + COLLECTED_AT_ONCE);
    await garbage.collect('blob', batch, (blob) => objects.delete(blob));
  }
}

import { type Checkpoint, partsOf } from '@ktrdr/operations';
import type { ObjectRegister } from './gc-ports.js';
import { parseManifestKey } from '../keys.js';
import { mapParallel } from '../parallel.js';
import type { ObjectStore } from '../ports.js';

const PARALLEL = 8;
/** Commits wait while one batch is removed. */
export const COLLECTED_AT_ONCE = 100;

/**
 * Removes the manifests of checkpoints whose rows are marked or gone, then those of their blobs that no other row
 * names. Can be repeated after a crash anywhere in between.
 */
export async function eraseObjects(
  objects: ObjectStore,
  register: Pick<ObjectRegister, 'collect'>,
  checkpoints: readonly Pick<Checkpoint, 'manifestKey' | 'files'>[],
): Promise<void> {
  await mapParallel(checkpoints, PARALLEL, async ({ manifestKey: key }) => {
    parseManifestKey(key);
    await objects.delete(key);
  });
  const blobs = [...new Set(checkpoints.flatMap(({ files }) => files.flatMap(partsOf).map(({ blob }) => blob)))];
  for (let start = 0; start < blobs.length; start += COLLECTED_AT_ONCE) {
    const batch = blobs.slice(start, start + COLLECTED_AT_ONCE);
    await register.collect('blob', batch, (blob) => objects.delete(blob));
  }
}

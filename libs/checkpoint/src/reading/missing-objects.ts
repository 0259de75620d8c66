import { type BadFile, type Checkpoint, partsOf } from '@ktrdr/operations';
import { UploadIncompleteError } from '../errors.js';
import { mapParallel } from '../parallel.js';
import type { ObjectStore } from '../ports.js';

const PARALLEL_HEADS = 16;

type NamedObjects = Pick<Checkpoint, 'manifestKey' | 'files'>;

/**
 * What of a checkpoint is missing from the store or has another size there. Reads no content.
 * @throws ObjectStoreUnavailableError
 */
export async function missingObjects(
  objects: ObjectStore,
  { manifestKey, files }: NamedObjects,
  parallel: number,
): Promise<readonly BadFile[]> {
  const blobs = files.flatMap((file) =>
    partsOf(file).map(({ blob, bytes }) => ({ name: file.name, key: blob, bytes })),
  );
  const wanted = [{ name: 'manifest.json', key: manifestKey, bytes: null }, ...blobs];
  const found = await mapParallel(wanted, parallel, async ({ name, key, bytes }): Promise<BadFile[]> => {
    const head = await objects.head(key);
    if (!head) return [{ name, problem: 'missing', detail: `there is no ${key}` }];
    if (bytes === null || head.bytes === bytes) return [];
    return [{ name, problem: 'wrong-size', detail: `${key} has ${head.bytes} bytes, not ${bytes}` }];
  });
  return found.flat();
}

/**
 * Checks that the manifest and every part of every file are stored, before a row makes them a checkpoint.
 * @throws UploadIncompleteError, ObjectStoreUnavailableError
 */
export async function assertObjectsStored(
  objects: ObjectStore,
  checkpoint: NamedObjects & Pick<Checkpoint, 'id'>,
): Promise<void> {
  const missing = await missingObjects(objects, checkpoint, PARALLEL_HEADS);
  if (missing.length === 0) return;
  throw new UploadIncompleteError(checkpoint.id, [...new Set(missing.map(({ name }) => name))]);
}

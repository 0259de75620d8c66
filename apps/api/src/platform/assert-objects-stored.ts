import { mapParallel, type ObjectStore } from '@ktrdr/checkpoint';
import { DomainError } from '@ktrdr/errors';
import { type CheckpointDraft, partsOf } from '@ktrdr/operations';

const PARALLEL_HEADS = 16;

/** What a checkpoint names is not in the object store. Whoever sent it sends it again. */
class UploadIncompleteError extends DomainError {
  readonly code = 'checkpoint-failed';
  constructor(checkpointId: string, missing: readonly string[]) {
    super(`Checkpoint ${checkpointId} is not wholly stored; upload it again: ${missing.join(', ')}`, {
      checkpoint_id: checkpointId,
      missing,
    });
  }
}

/**
 * Looks that the manifest is there, and every part of every file with its size.
 * @throws {UploadIncompleteError}
 */
export async function assertObjectsStored(
  objects: ObjectStore,
  { id, manifestKey, files }: Pick<CheckpointDraft, 'id' | 'manifestKey' | 'files'>,
): Promise<void> {
  const wanted = [
    { name: 'manifest.json', key: manifestKey, bytes: null },
    ...files.flatMap((file) => partsOf(file).map(({ blob, bytes }) => ({ name: file.name, key: blob, bytes }))),
  ];
  const heads = await mapParallel(wanted, PARALLEL_HEADS, async ({ name, key, bytes }) => {
    const head = await objects.head(key);
    return head && (bytes === null || head.bytes === bytes) ? [] : [name];
  });
  const missing = [...new Set(heads.flat())];
  if (missing.length > 0) throw new UploadIncompleteError(id, missing);
}

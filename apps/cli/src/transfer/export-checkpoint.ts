import { resolve } from 'node:path';
import type { ApiClient } from '@ktrdr/api-client';
import { EXPORT_FILE } from '@ktrdr/contracts';
import { UsageError } from '../errors/errors.js';
import { downloadFiles, type SavedFile } from './download-files.js';
import { manifestOf } from './exported-checkpoint.js';
import type { BeginTransfer } from './file-check.js';
import { assertAbsent } from './local-files.js';

export interface Export {
  readonly api: ApiClient;
  readonly checkpointId: string;
  /** The folder to make. */
  readonly directory: string;
  readonly begin: BeginTransfer;
  readonly signal: AbortSignal;
}

/**
 * Downloads a checkpoint into a new folder, which appears only when every byte has been checked.
 * @throws {UsageError} when the folder exists, or a file has the name of the description. Else as downloadFiles.
 */
export async function exportCheckpoint({ directory, ...request }: Export): Promise<SavedFile[]> {
  const { api, checkpointId, signal } = request;
  const target = resolve(directory);
  await assertAbsent(target);
  const document = await api.exportCheckpoint(checkpointId, { signal });
  const { files } = manifestOf(document);
  if (files.some(({ name }) => name === EXPORT_FILE)) {
    throw new UsageError(
      `Checkpoint ${checkpointId} has a file named ${EXPORT_FILE}, the name of an export's description: it cannot be ` +
        'exported. Have the trainer save that file under another name, and export a later checkpoint',
      { checkpoint_id: checkpointId },
    );
  }
  return downloadFiles({
    ...request,
    operationId: document.operation.operation_id,
    files,
    open: (name) => api.checkpointFile(checkpointId, name, { signal }),
    target,
    description: { name: EXPORT_FILE, text: `${JSON.stringify(document, null, 2)}\n` },
    remedy: 'export another checkpoint',
  });
}

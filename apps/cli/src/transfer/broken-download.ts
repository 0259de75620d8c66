import type { ApiClient } from '@ktrdr/api-client';
import { DomainError } from '@ktrdr/errors';
import { CheckpointDamagedError, DownloadBrokenError } from '../errors/errors.js';
import { VERIFY_SECONDS } from '../flags/timeouts.js';

/** One file of a checkpoint, on its way here. */
export interface FileDownload {
  readonly api: ApiClient;
  readonly checkpointId: string;
  readonly name: string;
  readonly signal: AbortSignal;
  /** What to do where the checkpoint is damaged. */
  readonly remedy: string;
}

/**
 * What is behind a download that failed. The API can say why only before the first byte: afterwards it breaks off what it
 * finds damaged or missing, so it is asked.
 * @returns {CheckpointDamagedError} the API finds it damaged. {@link DownloadBrokenError}: it does not. ApiProblemError:
 * it is not there any more. Else the error itself.
 */
export async function explained(
  error: unknown,
  { api, checkpointId, name, signal, remedy }: FileDownload,
): Promise<unknown> {
  if (!(error instanceof DomainError)) return error;
  const isDamage = error.code === 'checkpoint-corrupted';
  if (!isDamage && error.code !== 'api-unreachable') return error;
  try {
    const { operation_id: operationId } = await api.checkpoint(checkpointId, { signal });
    if (isDamage) return error;
    const { valid, bad_files: badFiles } = await api.verifyCheckpoint(
      checkpointId,
      {},
      {
        signal,
        timeoutMs: VERIFY_SECONDS * 1000,
      },
    );
    return valid
      ? new DownloadBrokenError(name, error)
      : new CheckpointDamagedError({ checkpointId, operationId, badFiles, remedy });
  } catch (refusal) {
    return refusal;
  }
}

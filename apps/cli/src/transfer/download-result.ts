import { access } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { ApiClient } from '@ktrdr/api-client';
import type { ResultView } from '@ktrdr/contracts';
import { UsageError } from '../errors/errors.js';
import { downloadFiles, type SavedFile } from './download-files.js';
import type { BeginTransfer } from './file-check.js';
import { assertAbsent, isFolder } from './local-files.js';

export interface ResultDownload {
  readonly api: ApiClient;
  readonly result: ResultView;
  readonly directory: string;
  /** Overwrite files that exist. */
  readonly isForced: boolean;
  readonly begin: BeginTransfer;
  readonly signal: AbortSignal;
}

export type SavedResultFile = SavedFile & { readonly path: string };

/**
 * Downloads all files of a result, or none.
 * @throws {UsageError} when a file exists already, or has a name that leads elsewhere. Else as downloadFiles.
 */
export async function downloadResult(request: ResultDownload): Promise<SavedResultFile[]> {
  const { api, result, directory, isForced, signal } = request;
  const { operation_id: operationId, checkpoint, files } = result;
  const target = resolve(directory);
  const names = files.map(({ name }) => name);
  names.forEach(assertPlainName);
  if (!(await isFolder(target))) await assertAbsent(target);
  else if (!isForced) await assertNothingInTheWay(target, names);
  const saved = await downloadFiles({
    ...request,
    operationId,
    checkpointId: checkpoint?.checkpoint_id ?? null,
    files,
    open: (name) => api.resultFile(operationId, name, { signal }),
    target,
    remedy: `fork ${operationId} from an older checkpoint to come to its result again`,
  });
  return saved.map(({ name, ...rest }) => ({ name, path: join(target, name), ...rest }));
}

async function assertNothingInTheWay(target: string, names: readonly string[]): Promise<void> {
  const exists = (name: string) =>
    access(join(target, name)).then(
      () => [name],
      () => [],
    );
  const taken = (await Promise.all(names.map(exists))).flat();
  if (taken.length === 0) return;
  throw new UsageError(
    `${taken.join(', ')} ${taken.length === 1 ? 'is' : 'are'} in ${target} already. ` +
      'Give another --output, or --force to overwrite',
    { path: target, files: taken },
  );
}

/** A name from elsewhere must not lead out of the folder. */
function assertPlainName(name: string): void {
  if (name !== '' && name === basename(name) && !/^\.|[\\\0]/.test(name)) return;
  throw new UsageError(`The result names a file ${JSON.stringify(name)}, which is no plain file name: not downloaded`);
}

import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ApiClient } from '@ktrdr/api-client';
import type { ResultView } from '@ktrdr/contracts';
import { explained } from './broken-download.js';
import { ResultCorruptedError, UsageError } from '../errors/errors.js';
import { FileCheck } from './file-check.js';
import { asWriteError } from './file-errors.js';
import { makeFolder } from './make-folder.js';

type ResultFile = ResultView['files'][number];

export interface SavedFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Download {
  readonly api: ApiClient;
  readonly result: ResultView;
  readonly directory: string;
  /** Overwrite what is there. */
  readonly isForced: boolean;
  readonly signal: AbortSignal;
}

/**
 * Downloads all files of a result, or none: each is checked against its SHA-256 before the first takes its place.
 * @throws {ResultCorruptedError} for other bytes than the result names. {@link UsageError}: files are in the way.
 * CheckpointDamagedError: the API finds the checkpoint damaged that they lie in. DownloadBrokenError: it does not.
 * ApiProblemError: the API refused, or the checkpoint is not there any more. The signal's reason, when that was aborted.
 */
export async function downloadResult({ api, result, directory, isForced, signal }: Download): Promise<SavedFile[]> {
  const target = resolve(directory);
  for (const { name } of result.files) assertPlainName(name);
  if (!isForced) await assertNothingInTheWay(target, result.files);
  const created = await make(target);
  const draft = join(target, `.ktrdr-${randomUUID()}`);
  try {
    await mkdir(draft);
    const saved: SavedFile[] = [];
    for (const file of result.files) {
      const sha256 = await fetchFile(file, { api, result, draft, signal });
      saved.push({ name: file.name, path: join(target, file.name), bytes: file.bytes, sha256 });
    }
    for (const { name, path } of saved) await rename(join(draft, name), path);
    await rm(draft, { recursive: true });
    return saved;
  } catch (error) {
    await rm(created ?? draft, { recursive: true, force: true }).catch(() => undefined); // what is said is why, not this
    throw asWriteError(error, target);
  }
}

/** The outermost folder that was made for it, null when it was there already. */
async function make(directory: string): Promise<string | null> {
  const found = await stat(directory).catch(() => null);
  return found?.isDirectory() ? null : ((await makeFolder(directory))[0] ?? null);
}

interface FileRequest extends Pick<Download, 'api' | 'result' | 'signal'> {
  readonly draft: string;
}

/** @returns its SHA-256. */
async function fetchFile(file: ResultFile, { api, result, draft, signal }: FileRequest): Promise<string> {
  const { operation_id: operationId, checkpoint } = result;
  const check = new FileCheck(file);
  const checked = async function* (pieces: AsyncIterable<Uint8Array>) {
    for await (const piece of pieces) {
      check.update(piece);
      yield piece;
    }
  };
  const bytes = api.resultFile(operationId, file.name, { signal });
  try {
    await pipeline(bytes, checked, createWriteStream(join(draft, file.name), { flags: 'wx', flush: true }));
  } catch (error) {
    if (!checkpoint) throw error;
    throw await explained(error, {
      api,
      signal,
      checkpointId: checkpoint.checkpoint_id,
      name: file.name,
      remedy: `fork ${operationId} from an older checkpoint to come to its result again`,
    });
  }
  const { sha256, difference } = check.finish();
  if (difference) throw new ResultCorruptedError({ operationId, name: file.name, ...difference });
  return sha256;
}

async function assertNothingInTheWay(target: string, files: readonly ResultFile[]): Promise<void> {
  const checked = await Promise.all(files.map(async ({ name }) => ((await exists(join(target, name))) ? [name] : [])));
  const taken = checked.flat();
  if (taken.length === 0) return;
  throw new UsageError(
    `${taken.join(', ')} ${taken.length === 1 ? 'is' : 'are'} in ${target} already. ` +
      'Give another --output, or --force to overwrite',
    { path: target, files: taken },
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A name from elsewhere must not lead out of the folder. */
function assertPlainName(name: string): void {
  if (name !== '' && name === basename(name) && !/^\.|[\\\0]/.test(name)) return;
  throw new UsageError(`The result names a file ${JSON.stringify(name)}, which is no plain file name: not downloaded`);
}

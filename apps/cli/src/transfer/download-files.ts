import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ApiClient } from '@ktrdr/api-client';
import type { FileEntry } from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import { VERIFY_SECONDS } from '../connection/timeouts.js';
import { CheckpointDamagedError, DownloadBrokenError, DownloadCorruptedError } from '../errors/errors.js';
import { bytesOf, FileCheck, type BeginTransfer, type Transfer } from './file-check.js';
import { asWriteError, isFolder, makeFolder, removeEmpty } from './local-files.js';

export interface SavedFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Download {
  readonly api: ApiClient;
  readonly operationId: string;
  /** Of the checkpoint that holds the files; null where none is known. */
  readonly checkpointId: string | null;
  readonly files: readonly FileEntry[];
  readonly open: (name: string) => AsyncIterable<Uint8Array>;
  /** The folder, absolute: a new one appears complete; one that exists gets the files one by one. */
  readonly target: string;
  /** Written beside the files. */
  readonly description?: { readonly name: string; readonly text: string };
  /** What to do where the checkpoint is damaged. */
  readonly remedy: string;
  readonly begin: BeginTransfer;
  readonly signal: AbortSignal;
}

/**
 * Downloads all files into a folder, or none: each is checked before the first takes its place.
 * @throws {DownloadCorruptedError} a file did not arrive as described. {@link CheckpointDamagedError}: the API finds the
 * checkpoint damaged. {@link DownloadBrokenError}: it does not. UsageError: the folder cannot be written.
 * ApiProblemError: the API refused, or the checkpoint is deleted. The signal's reason, when that was aborted.
 */
export async function downloadFiles(download: Download): Promise<SavedFile[]> {
  const { target, files, description } = download;
  const isNew = !(await isFolder(target));
  const draft = isNew ? `${target}.downloading-${process.pid}` : join(target, `.ktrdr-${randomUUID()}`);
  const made = isNew ? await makeFolder(draft) : [];
  try {
    if (!isNew) await mkdir(draft);
    const saved: SavedFile[] = [];
    using transfer = download.begin('downloaded', bytesOf(files));
    for (const file of files) saved.push(await fetchFile(file, { ...download, draft, transfer }));
    if (description) await writeFile(join(draft, description.name), description.text, { flag: 'wx', flush: true });
    if (isNew) await rename(draft, target);
    else await moveInto(target, draft);
    return saved;
  } catch (error) {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined); // the first error counts
    await removeEmpty(made);
    throw asWriteError(error, target);
  }
}

async function moveInto(target: string, draft: string): Promise<void> {
  for (const name of await readdir(draft)) await rename(join(draft, name), join(target, name));
  await rm(draft, { recursive: true });
}

interface Fetch extends Download {
  readonly draft: string;
  readonly transfer: Transfer;
}

async function fetchFile(file: FileEntry, fetch: Fetch): Promise<SavedFile> {
  const { name, bytes } = file;
  const check = new FileCheck(file);
  const checked = async function* (pieces: AsyncIterable<Uint8Array>) {
    for await (const piece of pieces) {
      check.update(piece);
      fetch.transfer.add(piece.length);
      yield piece;
    }
  };
  try {
    const saved = createWriteStream(join(fetch.draft, name), { flags: 'wx', flush: true });
    await pipeline(fetch.open(name), checked, saved);
  } catch (error) {
    throw await explained(error, name, fetch);
  }
  const { sha256, difference } = check.finish();
  if (difference) throw new DownloadCorruptedError({ name, ...difference }, { operation_id: fetch.operationId });
  return { name, bytes, sha256 };
}

/**
 * Finds the cause of a failed download. The API can state it only before the first byte: later it breaks off what it finds
 * damaged or missing, so it is asked.
 * @returns what {@link downloadFiles} throws, or the error itself.
 */
async function explained(
  error: unknown,
  name: string,
  { api, checkpointId, operationId, signal, remedy }: Download,
): Promise<unknown> {
  if (checkpointId === null || !(error instanceof DomainError)) return error;
  const isDamage = error.code === 'checkpoint-corrupted';
  if (!isDamage && error.code !== 'api-unreachable') return error;
  try {
    await api.checkpoint(checkpointId, { signal }); // refused where it is deleted
    if (isDamage) return error;
    const patience = { signal, timeoutMs: VERIFY_SECONDS * 1000 };
    const { valid, bad_files: badFiles } = await api.verifyCheckpoint(checkpointId, {}, patience);
    return valid
      ? new DownloadBrokenError(name, error)
      : new CheckpointDamagedError({ checkpointId, operationId, badFiles, remedy });
  } catch (refusal) {
    return refusal;
  }
}

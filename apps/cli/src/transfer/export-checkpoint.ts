import { createWriteStream } from 'node:fs';
import { lstat, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ApiClient } from '@ktrdr/api-client';
import type { Manifest, ManifestFile } from '@ktrdr/checkpoint';
import { EXPORT_FILE } from '@ktrdr/contracts';
import { explained } from './broken-download.js';
import { ExportDamagedError, UsageError } from '../errors/errors.js';
import { bytesOf, manifestOf } from './exported-checkpoint.js';
import { FileCheck } from './file-check.js';
import { asWriteError, codeOfFileError, reasonOfFileError } from './file-errors.js';
import { makeFolder, removeEmpty } from './make-folder.js';
import type { BeginTransfer, Transfer } from './transfer.js';

export interface ExportedFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

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
 * @throws {UsageError} when the folder is there already or cannot be written, or a file has the name of the description. {@link ExportDamagedError}: a file did not arrive as it was.
 * CheckpointDamagedError: the API finds it damaged. DownloadBrokenError: it does not. ApiProblemError: the API refused,
 * or the checkpoint is not there any more. The signal's reason, when that was aborted.
 */
export async function exportCheckpoint(request: Export): Promise<ExportedFile[]> {
  const { api, checkpointId, directory, signal } = request;
  const target = resolve(directory);
  await assertAbsent(target);
  const document = await api.exportCheckpoint(checkpointId, { signal });
  const manifest = manifestOf(document);
  assertDescribable(checkpointId, manifest);
  const draft = `${target}.exporting-${process.pid}`;
  const made = await makeFolder(draft);
  try {
    const files: ExportedFile[] = [];
    using transfer = request.begin('downloaded', bytesOf(manifest));
    for (const file of manifest.files) files.push(await download(file, { ...request, draft, transfer }));
    await writeFile(join(draft, EXPORT_FILE), `${JSON.stringify(document, null, 2)}\n`, { flag: 'wx', flush: true });
    await rename(draft, target);
    return files;
  } catch (error) {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined); // what is said is why, not this
    await removeEmpty(made);
    throw asWriteError(error, target);
  }
}

interface Download extends Export {
  readonly draft: string;
  readonly transfer: Transfer;
}

async function download(file: ManifestFile, request: Download): Promise<ExportedFile> {
  const { api, checkpointId, signal, draft, transfer } = request;
  const check = new FileCheck(file);
  const checked = async function* (pieces: AsyncIterable<Uint8Array>) {
    for await (const piece of pieces) {
      check.update(piece);
      transfer.add(piece.length);
      yield piece;
    }
  };
  const bytes = api.checkpointFile(checkpointId, file.name, { signal });
  try {
    await pipeline(bytes, checked, createWriteStream(join(draft, file.name), { flags: 'wx', flush: true }));
  } catch (error) {
    throw await explained(error, { ...request, name: file.name, remedy: 'export another checkpoint' });
  }
  const { sha256, difference } = check.finish();
  if (difference) throw new ExportDamagedError(draft, [{ name: file.name, ...difference }]);
  return { name: file.name, bytes: file.bytes, sha256 };
}

/** The description and the files lie in one folder. */
function assertDescribable(checkpointId: string, { files }: Manifest): void {
  if (!files.some(({ name }) => name === EXPORT_FILE)) return;
  throw new UsageError(
    `Checkpoint ${checkpointId} has a file named ${EXPORT_FILE}, which is what an export calls its description: it cannot ` +
      'be exported. Have the trainer save that file under another name, and export a later checkpoint',
    { checkpoint_id: checkpointId },
  );
}

/** A link that leads nowhere is in the way, too. */
async function assertAbsent(path: string): Promise<void> {
  try {
    await lstat(path);
  } catch (error) {
    if (codeOfFileError(error) === 'ENOENT') return;
    throw new UsageError(`Cannot make the folder ${path}: ${reasonOfFileError(error)}. Give another place`, { path });
  }
  throw new UsageError(`${path} is there already. Give the name of a folder that is not`, { path });
}

import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiClient } from '@ktrdr/api-client';
import { encodeManifest, type Manifest, parseManifest, sha256Of, sha256OfBlobKey } from '@ktrdr/checkpoint';
import { CheckpointExport, EXPORT_FILE } from '@ktrdr/contracts';
import { inPlainWords } from '@ktrdr/specs';
import { partsOf } from '@ktrdr/operations/model';
import { ExportDamagedError, UsageError } from '../errors/errors.js';
import { type BeginTransfer, bytesOf, FileCheck, type Transfer } from './file-check.js';
import { codeOfFileError, openPlainFile, reasonOfFileError } from './local-files.js';

/** An export in a folder: its description, and files that are what the description says. */
export interface CheckedExport {
  readonly document: CheckpointExport;
  readonly manifest: Manifest;
}

/**
 * Reads an export back and hashes every byte of it.
 * @throws {UsageError} when the folder holds no export. {@link ExportDamagedError} names every file that was altered.
 */
export async function checkExport(directory: string, begin: BeginTransfer): Promise<CheckedExport> {
  const document = await readDocument(directory);
  const manifest = manifestOf(document);
  const bad = [];
  using transfer = begin('checked', bytesOf(manifest.files));
  for (const file of manifest.files) {
    const check = new FileCheck(file);
    const difference = await hashInto(check, { path: join(directory, file.name), bytes: file.bytes, transfer });
    if (difference) bad.push({ name: file.name, ...difference });
  }
  if (bad.length > 0) throw new ExportDamagedError(directory, bad);
  return { document, manifest };
}

/**
 * Sends the bytes of a checked export, part by part.
 * @throws {ExportDamagedError} when a file has changed since it was checked.
 */
export async function sendParts(
  api: ApiClient,
  {
    directory,
    manifest,
    begin,
  }: { readonly directory: string; readonly manifest: Manifest; readonly begin: BeginTransfer },
): Promise<void> {
  using transfer = begin('sent', bytesOf(manifest.files));
  for (const entry of manifest.files) {
    const file = await openAgain(directory, entry.name);
    try {
      let offset = 0;
      for (const { blob, bytes } of partsOf(entry)) {
        const body = Buffer.alloc(bytes);
        await file.read(body, 0, bytes, offset);
        offset += bytes;
        const sha256 = sha256OfBlobKey(blob);
        if (sha256Of(body) !== sha256) {
          throw new ExportDamagedError(directory, [
            { name: entry.name, problem: 'wrong-hash', detail: 'it has just changed' },
          ]);
        }
        await api.putBlob(sha256, body);
        transfer.add(bytes);
      }
    } finally {
      await file.close();
    }
  }
}

async function readDocument(directory: string): Promise<CheckpointExport> {
  const path = join(directory, EXPORT_FILE);
  let text: string;
  try {
    text = await readDescription(path);
  } catch (error) {
    const reason = reasonOfFileError(error);
    throw new UsageError(`${directory} is no exported checkpoint: ${EXPORT_FILE} cannot be read: ${reason}`, { path });
  }
  const parsed = CheckpointExport.safeParse(parseOrNull(text), { error: inPlainWords });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path: at, message }) => `${at.join('.') || 'the document'}: ${message}`);
  throw new UsageError(`${path} does not describe an exported checkpoint: ${problems.join('; ')}`, { path });
}

/** @throws {ExportDamagedError} when its manifest is not the one that was stored. */
export function manifestOf({ manifest: input, manifest_sha256: expected }: CheckpointExport): Manifest {
  const manifest = parseManifest(input);
  if (sha256Of(encodeManifest(manifest)) === expected) return manifest;
  throw new ExportDamagedError(EXPORT_FILE, [
    {
      name: EXPORT_FILE,
      problem: 'wrong-hash',
      detail: 'its manifest does not have the SHA-256 that it was stored under',
    },
  ]);
}

/** Longer descriptions are none. */
const MAX_DESCRIPTION_BYTES = 64 * 1024 * 1024;

async function readDescription(path: string): Promise<string> {
  const { file, bytes } = await openPlainFile(path);
  try {
    if (bytes > MAX_DESCRIPTION_BYTES) throw new Error(`it has ${bytes} bytes, which no description has`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Reads no more of a file than tells that it is too long, and nothing of one that has another size. */
async function hashInto(
  check: FileCheck,
  expected: { readonly path: string; readonly bytes: number; readonly transfer: Transfer },
) {
  try {
    const { file, bytes } = await openPlainFile(expected.path);
    if (bytes !== expected.bytes) {
      await file.close();
      return { problem: 'wrong-size', detail: `${bytes} bytes instead of ${expected.bytes}` } as const;
    }
    const chunks = file.createReadStream({ highWaterMark: 1024 * 1024, end: expected.bytes });
    for await (const chunk of chunks as AsyncIterable<Uint8Array>) {
      check.update(chunk);
      expected.transfer.add(chunk.length);
    }
  } catch (error) {
    const isMissing = codeOfFileError(error) === 'ENOENT';
    return { problem: isMissing ? 'missing' : 'unreadable', detail: reasonOfFileError(error) } as const;
  }
  return check.finish().difference;
}

async function openAgain(directory: string, name: string): Promise<FileHandle> {
  try {
    return (await openPlainFile(join(directory, name))).file;
  } catch (error) {
    throw new ExportDamagedError(directory, [{ name, problem: 'unreadable', detail: reasonOfFileError(error) }]);
  }
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

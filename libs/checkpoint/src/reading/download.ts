import type { CheckpointFile } from '@ktrdr/operations';
import { StoredFileDamagedError } from '../errors.js';
import { sha256InTurn } from '../file-digest.js';
import { withFile, writeSpan } from '../parts/local-parts.js';
import type { ManifestFile } from '../manifest.js';
import { mapParallel, mapWithBuffers } from '../parallel.js';
import type { ObjectStore } from '../ports.js';
import { compare, type Piece, type PieceFinding, piecesOf } from './stored-parts.js';

/**
 * Downloads files into an existing empty directory, several parts at a time, and hashes every byte before it is
 * written. What it returns says whether they are right.
 * @param onMoved called for each part that is in its place.
 * @throws ObjectStoreUnavailableError, LocalFileError
 */
export async function downloadFiles(
  objects: ObjectStore,
  files: readonly ManifestFile[],
  dir: string,
  onMoved: () => void = () => undefined,
): Promise<readonly PieceFinding[]> {
  const pathOf = ({ file }: Piece) => `${dir}/${file.name}`;
  for (const { name } of files) await withFile(`${dir}/${name}`, 'wx', () => Promise.resolve());
  const pieces = piecesOf(files);
  return mapWithBuffers(pieces, bufferFor(pieces), async (piece, buffer) => {
    const body = buffer.subarray(0, piece.bytes);
    const finding = await readInto(objects, piece, body);
    if (!finding.problem) {
      await withFile(pathOf(piece), 'r+', (file) => writeSpan(file, body, piece.offset));
      onMoved();
    }
    return finding;
  });
}

/** Small ones need no memory that is lent and given back, and are waited for together. */
const SMALL_BYTES = 256 * 1024;
const SMALL_AT_ONCE = 16;

/** Hashes every byte of the pieces, several at a time. */
export async function hashPieces(objects: ObjectStore, pieces: readonly Piece[]): Promise<readonly PieceFinding[]> {
  const isSmall = ({ bytes }: Piece) => bytes <= SMALL_BYTES;
  const large = pieces.filter((piece) => !isSmall(piece));
  const small = await mapParallel(pieces.filter(isSmall), SMALL_AT_ONCE, (piece) =>
    readInto(objects, piece, Buffer.allocUnsafe(piece.bytes)),
  );
  const others = await mapWithBuffers(large, bufferFor(large), (piece, buffer) =>
    readInto(objects, piece, buffer.subarray(0, piece.bytes)),
  );
  return [...small, ...others];
}

function readInto(objects: ObjectStore, piece: Piece, body: Uint8Array): Promise<PieceFinding> {
  return compare(piece, async () => {
    const bytes = await objects.read(piece.blob, body);
    return { bytes, sha256: bytes === body.length ? await sha256InTurn(body) : '' };
  });
}

function bufferFor(pieces: readonly Piece[]): number {
  return Math.max(0, ...pieces.map((piece) => piece.bytes));
}

/**
 * A checkpoint's file from its beginning to its end, one part in memory at a time, each checked before it is yielded.
 * @throws StoredFileDamagedError when a part is not what it was; what came before it was right.
 * @throws ObjectStoreUnavailableError
 */
export async function* contentOf(objects: ObjectStore, file: CheckpointFile): AsyncGenerator<Uint8Array> {
  for (const piece of piecesOf([file])) {
    const body = Buffer.allocUnsafeSlow(piece.bytes);
    const { problem } = await readInto(objects, piece, body);
    if (problem) throw new StoredFileDamagedError({ name: file.name, ...problem });
    yield body;
  }
}

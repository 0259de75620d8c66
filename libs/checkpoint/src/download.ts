import { sha256Of } from './file-digest.js';
import { MAX_PART_BYTES } from './file-parts.js';
import { withFile } from './local-parts.js';
import type { ManifestFile } from './manifest.js';
import { mapWithBuffers } from './parallel.js';
import type { ObjectStore } from './ports.js';
import { compare, type Piece, type PieceFinding, piecesOf } from './stored-parts.js';

/**
 * Downloads files into an existing empty directory, several parts at a time, and hashes every byte before it is
 * written. What it returns says whether they are right.
 * @throws ObjectStoreUnavailableError, LocalFileError
 */
export async function downloadFiles(
  objects: ObjectStore,
  files: readonly ManifestFile[],
  dir: string,
): Promise<readonly PieceFinding[]> {
  const pathOf = ({ file }: Piece) => `${dir}/${file.name}`;
  for (const { name } of files) await withFile(`${dir}/${name}`, 'wx', () => Promise.resolve());
  const pieces = piecesOf(files);
  return mapWithBuffers(pieces, bufferFor(pieces), async (piece, buffer) => {
    if (isStreamed(piece)) return compare(piece, () => objects.getToFile(piece.blob, pathOf(piece)));
    const body = buffer.subarray(0, piece.bytes);
    const finding = await readInto(objects, piece, body);
    if (!finding.problem) {
      await withFile(pathOf(piece), 'r+', (file) => file.write(body, 0, body.length, piece.offset));
    }
    return finding;
  });
}

/** Hashes every byte of the pieces, several at a time. */
export function hashPieces(objects: ObjectStore, pieces: readonly Piece[]): Promise<readonly PieceFinding[]> {
  return mapWithBuffers(pieces, bufferFor(pieces), (piece, buffer) =>
    isStreamed(piece)
      ? compare(piece, () => objects.hash(piece.blob))
      : readInto(objects, piece, buffer.subarray(0, piece.bytes)),
  );
}

function readInto(objects: ObjectStore, piece: Piece, body: Uint8Array): Promise<PieceFinding> {
  return compare(piece, async () => {
    const bytes = await objects.read(piece.blob, body);
    return { bytes, sha256: bytes === body.length ? sha256Of(body) : '' };
  });
}

function bufferFor(pieces: readonly Piece[]): number {
  return Math.max(0, ...pieces.map((piece) => (isStreamed(piece) ? 0 : piece.bytes)));
}

/** Before files had parts, one blob could be of any size. */
function isStreamed({ bytes }: Piece): boolean {
  return bytes > MAX_PART_BYTES;
}

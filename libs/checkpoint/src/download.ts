import { sha256Of } from './file-digest.js';
import { MAX_PART_BYTES } from './file-parts.js';
import { withFile } from './local-parts.js';
import type { ManifestFile } from './manifest.js';
import { mapWithBuffers } from './parallel.js';
import type { ObjectStore } from './ports.js';
import { compare, type Piece, type PieceFinding, piecesOf } from './stored-parts.js';

const PARALLEL = 4;

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
  for (const { name } of files) await withFile(`${dir}/${name}`, 'wx', () => Promise.resolve());
  const pieces = piecesOf(files);
  const bytes = Math.max(0, ...pieces.map((piece) => (isStreamed(piece) ? 0 : piece.bytes)));
  return mapWithBuffers(pieces, { limit: PARALLEL, bytes }, async (piece, buffer) => {
    const path = `${dir}/${piece.file.name}`;
    if (isStreamed(piece)) return compare(piece, () => objects.getToFile(piece.blob, path));
    const body = buffer.subarray(0, piece.bytes);
    const finding = await compare(piece, async () => {
      const size = await objects.read(piece.blob, body);
      return { bytes: size, sha256: size === body.length ? sha256Of(body) : '' };
    });
    if (!finding.problem) await withFile(path, 'r+', (file) => file.write(body, 0, body.length, piece.offset));
    return finding;
  });
}

/** Before files had parts, one blob could be of any size. */
function isStreamed({ bytes }: Piece): boolean {
  return bytes > MAX_PART_BYTES;
}

import type { CheckpointFile } from '@ktrdr/operations';
import { StoredFileDamagedError } from '../errors.js';
import { sha256Of } from '../file-digest.js';
import type { ObjectStore } from '../ports.js';
import { compare, type Piece, piecesOf } from './stored-parts.js';

/**
 * A checkpoint's file from its beginning to its end, one part in memory at a time, each checked before it is given out.
 * @throws StoredFileDamagedError when a part is not what it was; what came before it was right.
 * @throws ObjectStoreUnavailableError
 */
export async function* contentOf(objects: ObjectStore, file: CheckpointFile): AsyncGenerator<Uint8Array> {
  for (const piece of piecesOf([file])) yield await whole(objects, piece);
}

async function whole(objects: ObjectStore, piece: Piece): Promise<Uint8Array> {
  const body = Buffer.allocUnsafeSlow(piece.bytes);
  const { problem } = await compare(piece, async () => {
    const bytes = await objects.read(piece.blob, body);
    return { bytes, sha256: bytes === body.length ? sha256Of(body) : '' };
  });
  if (problem) throw new StoredFileDamagedError({ name: piece.file.name, ...problem });
  return body;
}

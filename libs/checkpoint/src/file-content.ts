import { createHash } from 'node:crypto';
import type { CheckpointFile } from '@ktrdr/operations';
import { StoredFileDamagedError } from './errors.js';
import { sha256Of } from './file-digest.js';
import { MAX_PART_BYTES } from './file-parts.js';
import { sha256OfBlobKey } from './keys.js';
import { orProblem } from './object-problem.js';
import type { ObjectStore } from './ports.js';
import { compare, type Piece, piecesOf } from './stored-parts.js';

/**
 * A checkpoint's file from its beginning to its end, one part in memory at a time, each checked before it is given out.
 * @throws StoredFileDamagedError when a part is not what it was; what came before it was right.
 * @throws ObjectStoreUnavailableError
 */
export async function* contentOf(objects: ObjectStore, file: CheckpointFile): AsyncGenerator<Uint8Array> {
  for (const piece of piecesOf([file])) {
    if (piece.bytes > MAX_PART_BYTES) yield* streamed(objects, piece);
    else yield await whole(objects, piece);
  }
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

/** Before files had parts, one blob could be of any size: what is wrong with it shows only at its end. */
async function* streamed(objects: ObjectStore, { blob, bytes, file: { name } }: Piece): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  const chunks = objects.chunks(blob)[Symbol.asyncIterator]();
  let read = 0;
  for (;;) {
    const next = await orProblem(() => chunks.next());
    if ('problem' in next) throw new StoredFileDamagedError({ name, ...next });
    if (next.value.done) break;
    const chunk = next.value.value;
    hash.update(chunk);
    read += chunk.length;
    yield chunk;
  }
  const sha256 = hash.digest('hex');
  if (read === bytes && sha256 === sha256OfBlobKey(blob)) return;
  const detail = `${blob} has ${read} bytes with SHA-256 ${sha256}, not ${bytes}`;
  throw new StoredFileDamagedError({ name, problem: read === bytes ? 'wrong-hash' : 'wrong-size', detail });
}

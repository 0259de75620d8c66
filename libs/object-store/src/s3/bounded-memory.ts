import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';

const PIECE_BYTES = 512 * 1024;

interface Request {
  readonly protocol: string;
  readonly body: Uint8Array;
}

/**
 * Makes a client send bodies piece by piece over TLS. A body that is written at once is encrypted at once, and all of it
 * waits in memory a second time until the network has taken it. Without TLS it is sent from where it is.
 */
export function sendInPieces(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (step) => next(isLargeOverTls(step.request) ? { ...step, request: inPieces(step.request) } : step),
    // The last step before the request goes out: what is signed, and what is sent again after a failure, are the bytes.
    { step: 'deserialize', priority: 'low', name: 'sendInPieces' },
  );
}

function isLargeOverTls(request: unknown): request is Request {
  const { protocol, body } = request as Partial<Request>;
  return protocol === 'https:' && body instanceof Uint8Array && body.length > PIECE_BYTES;
}

function inPieces(request: Request): object {
  return { ...request, body: Readable.from(piecesOf(request.body), { objectMode: false, highWaterMark: 1 }) };
}

function* piecesOf(body: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < body.length; start += PIECE_BYTES) yield body.subarray(start, start + PIECE_BYTES);
}

/**
 * The same chunks; frees the memory of each as soon as the next is requested. The collector counts its own heap only,
 * where a chunk takes next to nothing, and lets a hundred megabytes of them accumulate.
 * @param chunks owned by the caller alone.
 */
export async function* freeChunks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    free(chunk);
  }
}

function free({ buffer, byteLength }: Uint8Array): void {
  // A chunk that is only a part of its buffer shares it with others.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

import { PayloadTooLargeException, UnsupportedMediaTypeException } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { Readable } from 'node:stream';
import { RequestInvalidError } from './errors.js';

const TAKES_BYTES = /^\/checkpoints\/blobs\/[^/]+$/;

/**
 * Lets bytes through where they are expected, unread: who may not send them is refused before anything is kept of them.
 */
export function acceptBytes(fastify: FastifyInstance): void {
  fastify.addContentTypeParser('application/octet-stream', (request, payload, done) => {
    const path = request.url.split('?')[0] ?? '';
    if (request.method === 'PUT' && TAKES_BYTES.test(path)) done(null, payload);
    else done(new UnsupportedMediaTypeException('Send application/json'), undefined);
  });
}

/**
 * Reads a body of bytes that is at most so long.
 * @throws {PayloadTooLargeException} @throws {RequestInvalidError} when it is not a body of bytes
 */
export async function readBody(body: unknown, limitBytes: number): Promise<Uint8Array> {
  if (!(body instanceof Readable)) {
    throw new RequestInvalidError('body', [{ path: '', message: 'must be application/octet-stream' }]);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw new PayloadTooLargeException(`At most ${limitBytes} bytes are taken at once`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

import { PayloadTooLargeException, UnsupportedMediaTypeException } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { Readable } from 'node:stream';
import { takesBytes } from './declared-routes.js';
import { RequestInvalidError } from '@ktrdr/operations';

/**
 * Lets bytes through unread where a route takes them, so that an unauthorised request is refused before any is stored.
 */
export function acceptBytes(fastify: FastifyInstance): void {
  fastify.addContentTypeParser('application/octet-stream', (request, payload, done) => {
    if (takesBytes(request.method, request.routeOptions.url)) done(null, payload);
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

import { BadRequestException } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { acceptBytes } from './octet-stream.js';
import { registerStoppingHook } from './refuse-while-stopping.js';

/** Bodies are JSON, but for blobs; an empty one is none. Any other content type is refused with 415. */
export function acceptOnlyJson(fastify: FastifyInstance): void {
  registerStoppingHook(fastify);
  fastify.removeAllContentTypeParsers();
  acceptBytes(fastify);
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const text = body.toString();
    if (text.trim() === '') return done(null, undefined);
    try {
      done(null, JSON.parse(text));
    } catch (error) {
      done(new BadRequestException(`The body is not JSON: ${(error as Error).message}`));
    }
  });
}

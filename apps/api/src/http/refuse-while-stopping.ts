import type { FastifyInstance } from 'fastify';
import { toProblem } from './problem.js';
import { DomainError } from '@ktrdr/errors';

class ShuttingDownError extends DomainError {
  readonly code = 'shutting-down';
  constructor() {
    super('This replica is shutting down; ask another one, or again in a moment');
  }
}

let isStopping = false;

/** From now on new requests get 503; those under way are finished. */
export function refuseWhileStopping(): void {
  isStopping = true;
}

export function registerStoppingHook(fastify: FastifyInstance): void {
  // A connection that is kept after its last answer would be waited for until the client lets go of it.
  fastify.addHook('onSend', async (_request, reply) => {
    if (isStopping) void reply.header('Connection', 'close');
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    if (!isStopping) return done();
    void reply
      .status(503)
      .header('Retry-After', '1')
      .header('Connection', 'close')
      .header('Content-Type', 'application/problem+json; charset=utf-8')
      .send(JSON.stringify({ ...toProblem(new ShuttingDownError()), instance: request.url.split('?')[0] }));
  });
}

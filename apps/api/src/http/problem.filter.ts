import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PinoLogger } from 'nestjs-pino';
import { toProblem } from './problem.js';

/** The route that takes a proof of a worker's key, and no token. */
const BY_KEY = /^\/workers\/identities\/[^/]+\/credentials$/;

/** Every failure leaves as `application/problem+json`, framework errors included. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(PinoLogger) private readonly log: PinoLogger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const problem = toProblem(error);
    if (problem.status >= 500 && problem.status !== 503)
      this.log.error({ err: error, requestId: request.id, method: request.method }, 'request failed');
    if (reply.raw.headersSent) {
      reply.raw.end();
      return;
    }
    if (problem.status === 503 || problem.code === 'idempotency-in-progress') void reply.header('Retry-After', '1');
    const path = request.url.split('?')[0] ?? '';
    if (problem.status === 401) void reply.header('WWW-Authenticate', BY_KEY.test(path) ? 'Nkey' : 'Bearer');
    void reply
      .status(problem.status)
      .header('Content-Type', 'application/problem+json; charset=utf-8')
      .send(JSON.stringify({ ...problem, instance: path, request_id: request.id }));
  }
}

import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { IdempotencyStore, type IdempotentRequest } from '@ktrdr/operations-prisma';
import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { RequestInvalidError } from '@ktrdr/operations';
import { IdempotencyInProgressError, IdempotencyKeyReusedError } from './errors.js';
import { type ProblemDocument, ReplayedProblem, toProblem } from './problem.js';
import { type AuthenticatedRequest, routeOf } from './serves.js';

/** A POST that carries an `Idempotency-Key` has one effect and one answer, however often it is sent. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(@Inject(IdempotencyStore) private readonly store: IdempotencyStore) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const key = request.headers['idempotency-key'];
    if (request.method !== 'POST' || key === undefined || routeOf(context)?.isUnkeyed) return next.handle();
    if (typeof key !== 'string' || key.length < 1 || key.length > 255)
      throw new RequestInvalidError('header', [{ path: 'Idempotency-Key', message: 'must be 1 to 255 characters' }]);
    const keyed = {
      scope: `${request.apiToken?.id ?? ''} POST ${request.url.split('?')[0]}`,
      key,
      fingerprint: createHash('sha256')
        .update(JSON.stringify(request.body ?? null))
        .digest('hex'),
    };
    return from(this.once(keyed, reply, () => lastValueFrom(next.handle())));
  }

  private async once(keyed: IdempotentRequest, reply: FastifyReply, act: () => Promise<unknown>): Promise<unknown> {
    const claim = await this.store.claim(keyed);
    if (claim.kind === 'other-request') throw new IdempotencyKeyReusedError(keyed.key);
    if (claim.kind === 'in-progress') throw new IdempotencyInProgressError(keyed.key);
    if (claim.kind === 'replay') {
      void reply.header('Idempotency-Replayed', 'true');
      if (claim.status >= 400) throw new ReplayedProblem(claim.body as ProblemDocument);
      void reply.status(claim.status);
      return claim.body;
    }
    try {
      const body = await act();
      await this.store.settle(keyed, reply.statusCode, body);
      return body;
    } catch (error) {
      const problem = toProblem(error);
      // A refusal is an answer; a fault is none, and the request may be sent again.
      if (problem.status < 500) await this.store.settle(keyed, problem.status, problem);
      else await this.store.abandon(keyed).catch(() => undefined); // its lock runs out by itself
      throw error;
    }
  }
}

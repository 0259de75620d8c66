import { type CanActivate, type ExecutionContext, Inject, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type ApiTokenRecord, ApiTokenStore } from '@ktrdr/operations-prisma';
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { BootstrapToken } from '../platform/bootstrap-token.js';
import { UnauthorizedError } from './errors.js';

const PUBLIC = 'ktrdr:public';
/** Health and documentation answer without a token. Nothing else does. */
export const Public = () => SetMetadata(PUBLIC, true);

/** A token that was good is taken for good for so long, so that most requests cost no query. */
const REMEMBER_MS = 10_000;
const REMEMBERED_AT_MOST = 1_000;

export interface AuthenticatedRequest extends FastifyRequest {
  apiToken?: ApiTokenRecord;
}

@Injectable()
export class BearerTokenGuard implements CanActivate {
  private readonly remembered = new Map<string, { readonly token: ApiTokenRecord; readonly until: number }>();

  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(ApiTokenStore) private readonly tokens: ApiTokenStore,
    @Inject(BootstrapToken) private readonly bootstrap: BootstrapToken,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, [context.getHandler(), context.getClass()])) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const bearer = /^Bearer ([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!bearer) throw new UnauthorizedError('No token was sent');
    request.apiToken = await this.recognise(bearer);
    return true;
  }

  private async recognise(bearer: string): Promise<ApiTokenRecord> {
    const own = this.bootstrap.recognise(bearer);
    if (own) return own;
    const key = createHash('sha256').update(bearer).digest('base64');
    const known = this.remembered.get(key);
    if (known && known.until > performance.now()) return known.token;
    const token = await this.tokens.find(bearer);
    if (!token) {
      this.remembered.delete(key);
      throw new UnauthorizedError('The token is not known');
    }
    if (this.remembered.size >= REMEMBERED_AT_MOST) this.remembered.clear();
    this.remembered.set(key, { token, until: performance.now() + REMEMBER_MS });
    return token;
  }
}

/** Who asks, as history rows name them. */
export function actorOf(request: AuthenticatedRequest): string {
  return `client:${request.apiToken?.name ?? 'unknown'}`;
}

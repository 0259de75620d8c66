import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { type ApiTokenRecord, ApiTokenStore } from '@ktrdr/operations-prisma';
import { createHash } from 'node:crypto';
import { BootstrapToken } from '../platform/bootstrap-token.js';
import { UnauthorizedError } from './errors.js';
import { type AuthenticatedRequest, routeOf } from './serves.js';

/** A token that was good is taken for good for so long, so that most requests cost no query. */
const REMEMBER_MS = 10_000;
const REMEMBERED_AT_MOST = 1_000;

/** Asks for an API token, unless the route says otherwise. */
@Injectable()
export class BearerTokenGuard implements CanActivate {
  private readonly remembered = new Map<string, { readonly token: ApiTokenRecord; readonly until: number }>();

  constructor(
    @Inject(ApiTokenStore) private readonly tokens: ApiTokenStore,
    @Inject(BootstrapToken) private readonly bootstrap: BootstrapToken,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    // The other proofs are for the handler, which knows enrolments and keys.
    if ((routeOf(context)?.access ?? 'token') !== 'token') return true;
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

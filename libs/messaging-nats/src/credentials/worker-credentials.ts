import { signNatsJwt } from './nats-jwt.js';
import { type Nkey } from './nkey.js';

/** How long a worker's token lasts, in seconds; it renews it at two thirds. */
export const WORKER_TOKEN_SECONDS = 3_600;

export interface WorkerToken {
  /** Public key that the worker made. */
  readonly nkey: string;
  readonly pool: string;
  /** Shown in the server's log. */
  readonly name: string;
  /** From the epoch, in seconds. */
  readonly issuedAt: number;
}

/** Issues workers' tokens with the scoped signing key: what they may do stands in the account, not in the token. */
export class WorkerCredentials {
  /** @param account public key of the account that workers belong to. */
  constructor(
    private readonly signingKey: Nkey,
    private readonly account: string,
  ) {}

  issue({ nkey, pool, name, issuedAt }: WorkerToken): { readonly jwt: string; readonly expiresAt: number } {
    const expiresAt = issuedAt + WORKER_TOKEN_SECONDS;
    const nats = { type: 'user', issuer_account: this.account, tags: [`pool:${pool}`] };
    return { jwt: signNatsJwt({ subject: nkey, name, issuedAt, expiresAt, nats }, this.signingKey), expiresAt };
  }
}

import { createHash } from 'node:crypto';
import { isPublicNkey, type Nkey } from './nkey.js';

const HEADER = base64url(JSON.stringify({ typ: 'JWT', alg: 'ed25519-nkey' }));

/** What NATS reads of a token: of an operator, an account or a user. */
export interface NatsClaims {
  /** Public key that the token is about. */
  readonly subject: string;
  /** Shown in the server's log and its list of connections. */
  readonly name: string;
  /** From the epoch, in seconds. */
  readonly issuedAt: number;
  /** From the epoch, in seconds; null: never. */
  readonly expiresAt: number | null;
  /** The part that is NATS' own, with its `type`. */
  readonly nats: Readonly<Record<string, unknown>>;
}

/** A JSON Web Token signed by an nkey, in version 2 of NATS' claims (github.com/nats-io/jwt). */
export function signNatsJwt({ subject, name, issuedAt, expiresAt, nats }: NatsClaims, issuer: Nkey): string {
  const claims = {
    iat: issuedAt,
    iss: issuer.publicKey,
    sub: subject,
    name,
    ...(expiresAt === null ? {} : { exp: expiresAt }),
    nats: { ...nats, version: 2 },
  };
  const jti = createHash('sha256').update(JSON.stringify(claims)).digest('base64url');
  const body = `${HEADER}.${base64url(JSON.stringify({ jti, ...claims }))}`;
  return `${body}.${issuer.sign(body).toString('base64url')}`;
}

/** The lifetime of a token in seconds; null: unlimited, or no token. Its holder cannot verify it. */
export function lifetimeOf(jwt: string): number | null {
  const { iat, exp } = claimsOf(jwt) ?? {};
  return typeof iat === 'number' && typeof exp === 'number' ? exp - iat : null;
}

/** Public key of the account that a user's token belongs to; null: it is no such token. */
export function accountOf(jwt: string): string | null {
  const claims = claimsOf(jwt);
  const account = claims?.nats?.issuer_account ?? claims?.iss;
  return typeof account === 'string' && isPublicNkey('account', account) ? account : null;
}

interface UncheckedClaims {
  readonly iat?: unknown;
  readonly exp?: unknown;
  readonly iss?: unknown;
  readonly nats?: { readonly issuer_account?: unknown };
}

function claimsOf(jwt: string): UncheckedClaims | null {
  try {
    return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as UncheckedClaims | null;
  } catch {
    return null;
  }
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

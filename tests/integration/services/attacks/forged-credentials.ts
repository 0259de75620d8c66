import { Nkey, type NatsUser, signNatsJwt, userAuthenticator } from '@ktrdr/messaging-nats';
import type { ConnectionOptions } from '@nats-io/transport-node';
import { account, signingSeed } from '../../support/nats-users.js';

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** What somebody connects with who has no right to. */
export function forgedCredentials(victim: NatsUser): readonly (readonly [string, ConnectionOptions])[] {
  const key = Nkey.generate('user');
  const signing = Nkey.fromSeed('account', signingSeed());
  const token = (issuer: Nkey, nats: object = {}, subject = key.publicKey, expiresAt: number | null = null): string =>
    signNatsJwt(
      {
        subject,
        name: 'rogue',
        issuedAt: nowSeconds() - 10_000,
        expiresAt,
        nats: { type: 'user', issuer_account: account(), tags: ['pool:default'], ...nats },
      },
      issuer,
    );
  const as = (jwt: string, holder = key): ConnectionOptions => ({
    authenticator: userAuthenticator({ jwt: () => jwt, key: holder }),
  });
  const everything = { pub: { allow: ['>'] }, sub: { allow: ['>'] }, subs: -1, data: -1, payload: -1 };
  const [head = '', , signature = ''] = token(signing).split('.');
  const claims = { iat: nowSeconds(), iss: signing.publicKey, sub: key.publicKey, name: 'rogue' };
  const body = (nats: object): string => Buffer.from(JSON.stringify({ ...claims, nats })).toString('base64url');
  const none = Buffer.from(JSON.stringify({ typ: 'JWT', alg: 'none' })).toString('base64url');
  const user = { type: 'user', version: 2, issuer_account: account(), tags: ['pool:*'] };
  return [
    ['nothing', {}],
    ['a password', { user: 'api', pass: 'api' }],
    ['a shared token', { token: 'secret' }],
    ['the token of a worker, and a key of its own', as(victim.jwt())],
    ['a token that has expired', as(token(signing, {}, key.publicKey, nowSeconds() - 60))],
    ['a token that it has issued itself', as(token(key))],
    ['a token of a foreign account', as(token(Nkey.generate('account')))],
    ['a token with rights beside those of its scope', as(token(signing, everything))],
    ['a token with other claims under an old signature', as(`${head}.${body(user)}.${signature}`)],
    ['a token without a signature', as(`${none}.${body(user)}.`)],
  ];
}

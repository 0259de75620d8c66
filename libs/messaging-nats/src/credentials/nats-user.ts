import { randomBytes } from 'node:crypto';
import type { Authenticator } from '@nats-io/transport-node';
import type { Nkey } from './nkey.js';

/** Who connects to NATS. */
export interface NatsUser {
  readonly key: Nkey;
  /** Read at every connect, so that a renewed token counts from then on. */
  readonly jwt: () => string;
  /** Where answers to it go; the server lets it listen nowhere else for them. */
  readonly inboxPrefix: string;
}

/** The API hears answers to itself alone. */
export function apiUser({ jwt, key }: { readonly jwt: string; readonly key: Nkey }): NatsUser {
  return { key, jwt: () => jwt, inboxPrefix: `_API.${randomBytes(8).toString('hex')}` };
}

export function workerUser(key: Nkey, jwt: () => string): NatsUser {
  return { key, jwt, inboxPrefix: `_INBOX.${key.publicKey}` };
}

/** Whether an answer to this subject reaches only the worker of this key. */
export function isInboxOf(nkey: string, subject: string): boolean {
  return subject.startsWith(`_INBOX.${nkey}.`);
}

/** Proves to the server, at every connect, that this process holds the key of its token. */
export function userAuthenticator({ jwt, key }: Pick<NatsUser, 'jwt' | 'key'>): Authenticator {
  return (nonce) => ({ jwt: jwt(), nkey: key.publicKey, sig: nonce ? key.sign(nonce).toString('base64url') : '' });
}

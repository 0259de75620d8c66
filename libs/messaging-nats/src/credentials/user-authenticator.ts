import type { Authenticator } from '@nats-io/transport-node';
import type { Nkey } from './nkey.js';

/**
 * Proves to the server, at every connect, that this process holds the key of its token. The token is read each time,
 * so that a renewed one counts from the next connect on.
 */
export function userAuthenticator(jwt: () => string, key: Nkey): Authenticator {
  return (nonce) => ({ jwt: jwt(), nkey: key.publicKey, sig: nonce ? key.sign(nonce).toString('base64url') : '' });
}

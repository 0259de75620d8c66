import { isSignedBy, type Nkey } from './nkey.js';

/** Says that the holder of a key asks for its credentials now. */
export interface CredentialsProof {
  /** Seconds since the epoch, by the clock of the worker. */
  readonly at: number;
  readonly signature: Buffer;
}

/** `<at>.<signature>`, for an `Authorization: Nkey` header. */
export function writeProof(key: Nkey, at: number): string {
  return `${at}.${key.sign(signedText(key.publicKey, at)).toString('base64url')}`;
}

/** null: it does not have the form. */
export function readProof(text: string): CredentialsProof | null {
  const [, at, signature] = /^(\d{1,12})\.([\w-]{86})$/.exec(text) ?? [];
  return at && signature ? { at: Number(at), signature: Buffer.from(signature, 'base64url') } : null;
}

/** Whether the holder of this public key has made it. When that was, the caller judges. */
export function isProofOf(nkey: string, { at, signature }: CredentialsProof): boolean {
  return isSignedBy(nkey, signedText(nkey, at), signature);
}

function signedText(nkey: string, at: number): string {
  return `ktrdr-credentials:${nkey}:${at}`;
}

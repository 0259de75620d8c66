import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';

/** Kinds of NATS keys, by the byte that makes the first letter of their text (github.com/nats-io/nkeys). */
const KINDS = { account: 0, operator: 14 << 3, user: 20 << 3 } as const;
export type NkeyKind = keyof typeof KINDS;

const SEED = 18 << 3;
const SEED_BYTES = 32;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** DER of an Ed25519 private key in PKCS #8, up to its seed (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
/** DER of an Ed25519 public key, up to its bytes (RFC 8410). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** Text that is no NATS key of the kind that is asked for; never says what it holds. */
export class NkeyInvalidError extends RangeError {
  constructor(kind: NkeyKind, what: 'seed' | 'public key') {
    super(`This is not the ${what} of a NATS ${kind} key`);
  }
}

/** An Ed25519 key pair in the form that NATS gives it. */
export class Nkey {
  /** Begins with the letter of its kind: A, O or U. */
  readonly publicKey: string;
  private readonly key: KeyObject;

  private constructor(
    readonly kind: NkeyKind,
    private readonly bytes: Buffer,
  ) {
    this.key = createPrivateKey({ key: Buffer.concat([PKCS8, bytes]), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(this.key).export({ format: 'der', type: 'spki' });
    this.publicKey = encode([KINDS[kind]], spki.subarray(-32));
  }

  static generate(kind: NkeyKind): Nkey {
    const der = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
    return new Nkey(kind, Buffer.from(der.subarray(-SEED_BYTES)));
  }

  /** @throws {NkeyInvalidError} */
  static fromSeed(kind: NkeyKind, seed: string): Nkey {
    const bytes = decode(seed.trim());
    const [first = 0, second = 0] = bytes ?? [];
    const found = ((first & 7) << 5) | (second >> 3);
    if (bytes?.length !== 2 + SEED_BYTES || (first & 0xf8) !== SEED || found !== KINDS[kind])
      throw new NkeyInvalidError(kind, 'seed');
    return new Nkey(kind, bytes.subarray(2));
  }

  /** Begins with S. A secret: it proves the identity. */
  get seed(): string {
    const kind = KINDS[this.kind];
    return encode([SEED | (kind >> 5), (kind & 31) << 3], this.bytes);
  }

  sign(data: string): Buffer {
    return sign(null, Buffer.from(data), this.key);
  }
}

/** Whether the text is a sound public key of this kind: its length, letter and checksum. */
export function isPublicNkey(kind: NkeyKind, text: string): boolean {
  const bytes = decode(text);
  return bytes?.length === 33 && bytes[0] === KINDS[kind] && encode([KINDS[kind]], bytes.subarray(1)) === text;
}

/** Whether the holder of this public key has signed the data. False, too, for a key that is none. */
export function isSignedBy(publicKey: string, data: string, signature: Buffer): boolean {
  const bytes = decode(publicKey)?.subarray(1);
  if (bytes?.length !== 32) return false;
  const key = createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: 'der', type: 'spki' });
  return verify(null, Buffer.from(data), key, signature);
}

function encode(prefix: readonly number[], bytes: Uint8Array): string {
  const body = Buffer.concat([Buffer.from(prefix), bytes]);
  const check = Buffer.alloc(2);
  check.writeUInt16LE(crc16(body));
  return toBase32(Buffer.concat([body, check]));
}

/** What stands between the letters and the checksum, prefix included; null: the text is damaged. */
function decode(text: string): Buffer | null {
  if (!/^[A-Z2-7]{1,128}$/.test(text)) return null;
  const all = fromBase32(text);
  if (all.length < 3) return null;
  const body = all.subarray(0, -2);
  return all.readUInt16LE(all.length - 2) === crc16(body) ? body : null;
}

/** CRC-16/XMODEM, as NATS computes it. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

/** RFC 4648 without padding. */
function toBase32(bytes: Uint8Array): string {
  let text = '';
  let [held, bits] = [0, 0];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text;
}

function fromBase32(text: string): Buffer {
  const bytes: number[] = [];
  let [held, bits] = [0, 0];
  for (const letter of text) {
    held = (held << 5) | ALPHABET.indexOf(letter);
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push(held >> bits);
    held &= (1 << bits) - 1;
  }
  return Buffer.from(bytes);
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * A ULID (https://github.com/ulid/spec): 26 characters that sort by time, unique by their 80 random bits.
 * @param atMs milliseconds since 1970.
 * @param randomness 10 random bytes.
 */
export function toUlid(atMs: number, randomness: Uint8Array): string {
  if (randomness.length !== 10) throw new RangeError(`A ULID takes 10 random bytes, not ${randomness.length}`);
  let value = BigInt(Math.trunc(atMs));
  for (const byte of randomness) value = (value << 8n) | BigInt(byte);
  let text = '';
  for (let i = 0; i < 26; i += 1) {
    text = ALPHABET[Number(value & 31n)] + text;
    value >>= 5n;
  }
  return text;
}

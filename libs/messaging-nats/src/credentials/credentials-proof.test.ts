import { isProofOf, readProof, writeProof } from './credentials-proof.js';
import { Nkey } from './nkey.js';

const key = Nkey.generate('user');
const proof = writeProof(key, 1_700_000_000);

it('is one of its key and of its time alone', () => {
  const read = readProof(proof);
  if (!read) throw new Error('it is not readable');
  expect(read.at).toBe(1_700_000_000);
  expect(isProofOf(key.publicKey, read)).toBe(true);
  expect(isProofOf(Nkey.generate('user').publicKey, read)).toBe(false);
  expect(isProofOf(key.publicKey, { ...read, at: read.at + 1 })).toBe(false);
});

it.each(['', '1700000000', '1700000000.', proof.slice(0, -1), `${proof}A`, `-${proof}`, proof.replace('.', ' ')])(
  'does not take %j for one',
  (text) => {
    expect(readProof(text)).toBeNull();
  },
);

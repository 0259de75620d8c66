import { createAccount, createOperator, createUser, fromPublic, fromSeed } from '@nats-io/nkeys';
import { isPublicNkey, isSignedBy, Nkey, type NkeyKind, NkeyInvalidError } from './nkey.js';

const MAKERS = { account: createAccount, operator: createOperator, user: createUser } as const;
const KINDS = Object.keys(MAKERS) as NkeyKind[];

describe.each(KINDS)('a key of kind %s', (kind) => {
  it('is read by NATS’ own package, and signs as it does', () => {
    const ours = Nkey.generate(kind);
    const theirs = fromSeed(Buffer.from(ours.seed));
    expect(theirs.getPublicKey()).toBe(ours.publicKey);
    expect(Buffer.from(theirs.sign(Buffer.from('nonce')))).toEqual(ours.sign('nonce'));
    expect(fromPublic(ours.publicKey).verify(Buffer.from('nonce'), ours.sign('nonce'))).toBe(true);
  });

  it('is read from a seed of that package', () => {
    const theirs = MAKERS[kind]();
    const seed = Buffer.from(theirs.getSeed()).toString();
    const ours = Nkey.fromSeed(kind, `${seed}\n`);
    expect([ours.publicKey, ours.seed]).toEqual([theirs.getPublicKey(), seed]);
    expect(isPublicNkey(kind, theirs.getPublicKey())).toBe(true);
  });
});

it('refuses a seed of another kind, of another length or with a wrong letter, and does not show it', () => {
  const { seed } = Nkey.generate('user');
  const damaged = `${seed.slice(0, 20)}${seed[20] === 'A' ? 'B' : 'A'}${seed.slice(21)}`;
  for (const [kind, text] of [
    ['account', seed],
    ['user', damaged],
    ['user', seed.slice(0, -2)],
    ['user', ''],
    ['user', 'no seed at all'],
  ] as const) {
    expect(() => Nkey.fromSeed(kind, text)).toThrow(NkeyInvalidError);
    expect(() => Nkey.fromSeed(kind, text)).not.toThrow(/S[A-Z2-7]{20}/);
  }
});

it('takes for a public key of a user only what is one', () => {
  const { publicKey, seed } = Nkey.generate('user');
  expect(isPublicNkey('user', publicKey)).toBe(true);
  const others = [Nkey.generate('account').publicKey, seed, `${publicKey}A`, publicKey.toLowerCase(), '', '*', 'U.>'];
  for (const other of others) expect(isPublicNkey('user', other)).toBe(false);
});

it('tells who has signed', () => {
  const [ours, other] = [Nkey.generate('user'), Nkey.generate('user')];
  expect(isSignedBy(ours.publicKey, 'text', ours.sign('text'))).toBe(true);
  expect(isSignedBy(ours.publicKey, 'other text', ours.sign('text'))).toBe(false);
  expect(isSignedBy(ours.publicKey, 'text', other.sign('text'))).toBe(false);
  expect(isSignedBy(ours.publicKey, 'text', Buffer.alloc(0))).toBe(false);
  expect(isSignedBy('no key', 'text', ours.sign('text'))).toBe(false);
});

import { Nkey } from './nkey.js';
import { generateSeeds, readCreds, serverSetup, toCreds, withNewSigningKey } from './server-setup.js';

const seeds = generateSeeds();
const at = (issuedAt: number, of = seeds) => serverSetup(of, { listen: '127.0.0.1:4222', prefix: 'ktrdr', issuedAt });
const operatorOf = (config: string): string | undefined => /^operator: (\S+)$/m.exec(config)?.[1];
const claimsOf = (config: string, account: string) => {
  const jwt = new RegExp(`^  ${account}: (\\S+)$`, 'm').exec(config)?.[1] ?? '';
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as {
    readonly nats: { readonly signing_keys: readonly { readonly key: string }[] };
  };
};

describe('the configuration of a server', () => {
  it('has the same token of its operator at any time, without which no server reloads it', () => {
    const [first, later] = [at(1_700_000_000), at(1_800_000_000, withNewSigningKey(seeds))];
    expect(operatorOf(first.config)).toBeDefined();
    expect(operatorOf(later.config)).toBe(operatorOf(first.config));
    expect(later.config).not.toBe(first.config);
  });

  it('lets the present and the former signing key issue tokens, and after the next rotation the former no more', () => {
    const second = withNewSigningKey(seeds);
    const third = withNewSigningKey(second);
    const publicOf = (seed: string): string => Nkey.fromSeed('account', seed).publicKey;
    const keysIn = (of: typeof seeds): readonly string[] => {
      const { config, account } = at(0, of);
      return claimsOf(config, account).nats.signing_keys.map(({ key }) => key);
    };
    const [one, two, three] = [seeds, second, third].map(({ workerSigning }) => publicOf(workerSigning));
    expect([keysIn(seeds), keysIn(second), keysIn(third)]).toEqual([[one], [two, one], [three, two]]);
  });

  it('holds no secret', () => {
    expect(at(0).config).not.toMatch(/\bS[AOU][A-Z2-7]{56}/);
  });
});

it('reads back the credentials that it writes, and refuses what are none', () => {
  const { seed, publicKey } = Nkey.generate('user');
  const { jwt, key } = readCreds(toCreds('a.b.c', seed));
  expect([jwt, key.publicKey]).toEqual(['a.b.c', publicKey]);
  for (const text of ['', 'a.b.c', toCreds('a.b.c', '')]) expect(() => readCreds(text)).toThrow(RangeError);
});

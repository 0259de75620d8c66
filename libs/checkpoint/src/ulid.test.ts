import { toUlid } from './keys.js';

describe('toUlid', () => {
  it('writes the time and the randomness in Crockford base 32', () => {
    expect(toUlid(1_469_918_176_385, new Uint8Array(10))).toBe('01ARYZ6S410000000000000000');
    expect(toUlid(0, new Uint8Array(10).fill(255))).toBe('0000000000ZZZZZZZZZZZZZZZZ');
  });

  it('sorts by time', () => {
    const early = toUlid(1_000, new Uint8Array(10).fill(255));
    expect(early < toUlid(1_001, new Uint8Array(10))).toBe(true);
  });

  it('takes exactly ten random bytes', () => {
    expect(() => toUlid(0, new Uint8Array(9))).toThrow(RangeError);
  });
});

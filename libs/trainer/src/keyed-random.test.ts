import { dropoutMask, epochOrder, keyedRandom, uniformValues, Xoshiro128 } from './keyed-random.js';

describe('xoshiro128**', () => {
  it.each([
    { state: [1, 2, 3, 4] as const, drawn: [11520, 0, 5927040, 70819200, 2031721883, 1637235492] },
    {
      state: [0x964d4a0c, 0xd40ab895, 0xad7fdecb, 0x3006f0f0] as const,
      drawn: [0xf1391922, 0x6fe53806, 0xa5be2840, 0xf510ee70],
    },
  ])('draws what the reference implementation draws from $state', ({ state, drawn }) => {
    const random = new Xoshiro128(state);
    expect(drawn.map(() => random.nextUint32())).toEqual(drawn);
  });

  it('refuses the state that it cannot leave', () => {
    expect(() => new Xoshiro128([0, 0, 0, 0])).toThrow(RangeError);
  });

  it('draws floats in [0, 1) that float32 holds exactly', () => {
    const random = keyedRandom(3, 'dropout', 'floats');
    for (let draw = 0; draw < 1_000; draw += 1) {
      const value = random.nextFloat();
      expect(value >= 0 && value < 1 && Math.fround(value) === value).toBe(true);
    }
  });

  it('draws every integer below a bound about equally often', () => {
    const random = keyedRandom(3, 'shuffle', 'below');
    const counts = new Array<number>(6).fill(0);
    for (let draw = 0; draw < 6_000; draw += 1) counts[random.nextBelow(6)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(900);
    expect(Math.max(...counts)).toBeLessThan(1_100);
  });
});

describe('keyed sequences', () => {
  it('are the published ones for a key', () => {
    const random = keyedRandom(42, 'shuffle', 0);
    expect([random.nextUint32(), random.nextUint32(), random.nextUint32()]).toEqual([2669899359, 3024799156, 25490329]);
    expect([...epochOrder(42, 0, 10)]).toEqual([0, 2, 4, 7, 3, 5, 6, 8, 1, 9]);
    expect([...epochOrder(42, 1, 10)]).toEqual([6, 5, 3, 8, 7, 4, 0, 2, 9, 1]);
    const mask = dropoutMask({ seed: 42, layer: 1, step: 7, rate: 0.5, count: 16 });
    expect([...mask]).toEqual([0, 0, 2, 2, 0, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0]);
  });

  it('differ when any part of the key differs', () => {
    const keys = [
      keyedRandom(1, 'shuffle', 1, 2),
      keyedRandom(2, 'shuffle', 1, 2),
      keyedRandom(1, 'dropout', 1, 2),
      keyedRandom(1, 'shuffle', 12),
      keyedRandom(1, 'shuffle', '1', 2),
    ];
    expect(new Set(keys.map((random) => random.nextUint32())).size).toBe(keys.length);
  });

  it('order an epoch as a permutation', () => {
    expect([...epochOrder(9, 3, 500)].sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, index) => index));
    expect([...epochOrder(9, 3, 0)]).toEqual([]);
    expect([...epochOrder(9, 3, 1)]).toEqual([0]);
  });

  it('drop about the rate and scale what is kept so that the mean stays', () => {
    const mask = dropoutMask({ seed: 5, layer: 0, step: 0, rate: 0.25, count: 20_000 });
    expect(mask.filter((value) => value === 0).length / mask.length).toBeCloseTo(0.25, 1);
    expect(mask.reduce((sum, value) => sum + value, 0) / mask.length).toBeCloseTo(1, 1);
  });

  it('keep uniform values within their limit', () => {
    const values = uniformValues(keyedRandom(5, 'initial-weights', 'a'), 1_000, 0.1);
    expect(Math.max(...values)).toBeLessThan(0.1);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-Math.fround(0.1));
    expect(Math.min(...values)).toBeLessThan(-0.09);
  });
});

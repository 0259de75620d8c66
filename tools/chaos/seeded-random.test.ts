import { SeededRandom } from './seeded-random.js';

const draw = (random: SeededRandom) => Array.from({ length: 5 }, () => random.next());

describe('seeded random choices', () => {
  it('are the same for the same seed and purpose', () => {
    expect(draw(new SeededRandom('a', 'faults'))).toEqual(draw(new SeededRandom('a', 'faults')));
  });

  it('differ by seed and by purpose', () => {
    const one = draw(new SeededRandom('a', 'faults'));
    expect(draw(new SeededRandom('b', 'faults'))).not.toEqual(one);
    expect(draw(new SeededRandom('a', 'clients'))).not.toEqual(one);
  });

  it('follow their weights', () => {
    const random = new SeededRandom('weights', 'test');
    const drawn = Array.from({ length: 4_000 }, () =>
      random.weighted([
        ['often', 3],
        ['seldom', 1],
        ['never', 0],
      ]),
    );
    const share = drawn.filter((choice) => choice === 'often').length / drawn.length;
    expect(share).toBeGreaterThan(0.7);
    expect(share).toBeLessThan(0.8);
    expect(drawn).not.toContain('never');
  });

  it('keep their average gap', () => {
    const random = new SeededRandom('gaps', 'test');
    const mean = Array.from({ length: 4_000 }, () => random.gap(100)).reduce((sum, gap) => sum + gap, 0) / 4_000;
    expect(Math.abs(mean - 100)).toBeLessThan(10);
  });
});

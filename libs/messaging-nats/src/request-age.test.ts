import { RequestAges } from './request-age.js';

function given() {
  const clock = { now: 1_000_000 };
  return { clock, ages: new RequestAges(() => clock.now) };
}

describe('the age of a request', () => {
  it('is what it took longer than the quickest of its asker, whatever the clocks say', () => {
    const { clock, ages } = given();
    expect(ages.ageOf('a', 5)).toBe(0);
    clock.now += 2_000;
    expect(ages.ageOf('a', 2_005)).toBe(0);
    clock.now += 5_000;
    expect(ages.ageOf('a', 4_005)).toBe(3_000);
    expect(ages.ageOf('b', 4_005)).toBe(0);
  });

  it('is known once a quicker one has come', () => {
    const { clock, ages } = given();
    ages.ageOf('a', 0);
    clock.now += 1_000;
    expect(ages.ageOf('a', 1_800)).toBe(0);
    clock.now += 1_000;
    expect(ages.ageOf('a', 2_000)).toBe(800);
  });

  it('is nothing again, two minutes later, where the clock of the asker had stood still', () => {
    const { clock, ages } = given();
    ages.ageOf('a', 0);
    clock.now += 30_000;
    expect(ages.ageOf('a', 10_000)).toBe(20_000);
    for (let second = 1; second <= 130; second += 1) {
      clock.now += 1_000;
      ages.ageOf('a', 10_000 + second * 1_000);
    }
    clock.now += 1_000;
    expect(ages.ageOf('a', 10_000 + 131_000)).toBe(0);
  });
});

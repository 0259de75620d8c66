import { ProgressMeter } from './progress-meter.js';

describe('the progress meter', () => {
  it('tells the first step, forced ones, and otherwise one an interval', () => {
    let now = 0;
    const meter = new ProgressMeter(() => now, 200);
    const told: number[] = [];
    for (let step = 1; step <= 10; step += 1) {
      now += 50;
      meter.count(32);
      if (meter.isWorthTelling(step === 7)) {
        told.push(step);
        meter.takeRate();
      }
    }
    expect(told).toEqual([1, 5, 7]);
  });

  it('measures the rate since it was last asked', () => {
    let now = 0;
    const meter = new ProgressMeter(() => now);
    meter.count(64);
    expect(meter.takeRate()).toBeNull();
    meter.count(64);
    now = 500;
    expect(meter.takeRate()).toBe(128);
    now = 1_000;
    expect(meter.takeRate()).toBe(0);
  });
});

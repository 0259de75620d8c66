import { ToldEvents } from './told-events.js';

const told = { operation_id: 'op_a', attempt: 2, told: 7 };

describe('what an attempt has told', () => {
  it('is waited for until it is recorded', async () => {
    const asked: unknown[] = [];
    await new ToldEvents({ holds: async (which) => asked.push(which) === 3 }).recorded(told);
    expect(asked).toEqual(Array.from({ length: 3 }, () => ({ operationId: 'op_a', attempt: 2, n: 7 })));
  });

  it.each([0, undefined])('is not asked for when it is nothing, or not said (%s)', async (nothing) => {
    const holds = () => Promise.reject(new Error('asked'));
    await expect(new ToldEvents({ holds }).recorded({ ...told, told: nothing })).resolves.toBeUndefined();
  });

  it('holds up the report of an end for no longer than a second', async () => {
    const began = performance.now();
    await new ToldEvents({ holds: async () => false }).recorded(told);
    expect(performance.now() - began).toBeGreaterThanOrEqual(1_000);
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});

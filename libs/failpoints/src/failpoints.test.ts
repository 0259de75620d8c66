import { FAILPOINT_NAMES, FAILPOINT_PROCESSES, type Failpoints, FAILPOINTS, NO_FAILPOINTS } from './failpoints.js';

describe('failpoints', () => {
  it('do nothing in the product', async () => {
    await expect(Promise.all(FAILPOINT_NAMES.map((name) => NO_FAILPOINTS.reach(name, 'op_a')))).resolves.toEqual(
      FAILPOINT_NAMES.map(() => undefined),
    );
  });

  it.each(Object.entries(FAILPOINTS))('%s stands between two different things of one process', (name, place) => {
    expect(name).toMatch(/^[a-z]+\.[a-z-]+$/);
    expect(FAILPOINT_PROCESSES).toContain(place.in);
    expect(new Set<string>(place.between).size).toBe(2);
  });

  it('can be watched and made to fail by an implementation of the port', async () => {
    const reached: string[] = [];
    const failpoints: Failpoints = {
      reach: async (point, subject) => {
        reached.push(`${point} ${subject}`);
        if (point === 'commit.recorded') throw new Error('no answer');
      },
    };
    await failpoints.reach('commit.checked', 'op_a');
    await expect(failpoints.reach('commit.recorded', 'op_a')).rejects.toThrow('no answer');
    expect(reached).toEqual(['commit.checked op_a', 'commit.recorded op_a']);
  });
});

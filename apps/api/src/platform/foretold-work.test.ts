import { ForetoldWork } from './foretold-work.js';

/** What has become of it after every promise that is ready has been followed. */
async function stateOf(waiting: Promise<void>): Promise<'waits' | 'goes on'> {
  const later = new Promise<'waits'>((resolve) => setImmediate(() => resolve('waits')));
  return Promise.race([waiting.then(() => 'goes on' as const), later]);
}

describe('a claim', () => {
  it('waits for what is foretold for its pool, until all of it is decided', async () => {
    const work = new ForetoldWork();
    const [first, second] = [work.begin('a'), work.begin('a')];
    const claim = work.decided('a');
    expect(await stateOf(claim)).toBe('waits');
    first();
    expect(await stateOf(claim)).toBe('waits');
    second();
    expect(await stateOf(claim)).toBe('goes on');
    expect(await stateOf(work.decided('a'))).toBe('goes on');
  });

  it('does not wait for another pool, nor for what is foretold after it came', async () => {
    const work = new ForetoldWork();
    const decided = work.begin('a');
    expect(await stateOf(work.decided('b'))).toBe('goes on');
    const claim = work.decided('a');
    work.begin('a');
    decided();
    expect(await stateOf(claim)).toBe('goes on');
  });

  it('goes on after a moment when nothing is decided', async () => {
    const work = new ForetoldWork();
    work.begin('a');
    const began = performance.now();
    await work.decided('a');
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

import { freeChunks } from './bounded-memory.js';

async function* given(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

describe('freeChunks', () => {
  it('takes the memory of a chunk away when the next is asked for, and not before', async () => {
    const [first, second] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4)];
    const chunks = freeChunks(given(first, second));
    expect((await chunks.next()).value).toEqual(Uint8Array.of(1, 2, 3));
    expect((await chunks.next()).value).toEqual(Uint8Array.of(4));
    expect([first.length, second.length]).toEqual([0, 1]);
    await chunks.next();
    expect(second.length).toBe(0);
  });

  it('leaves a chunk alone that shares its memory', async () => {
    const whole = Uint8Array.of(1, 2, 3, 4);
    for await (const chunk of freeChunks(given(whole.subarray(0, 2), whole.subarray(2)))) expect(chunk).toHaveLength(2);
    expect(whole).toEqual(Uint8Array.of(1, 2, 3, 4));
  });
});

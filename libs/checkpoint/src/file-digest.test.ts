import { sha256InTurn, sha256Of } from './file-digest.js';

describe('bytes that are hashed in turn', () => {
  it('do not fail for those before them', async () => {
    const bad = Object.assign(Buffer.alloc(1024 * 1024), { subarray: () => null as never });
    const good = Buffer.alloc(1024 * 1024, 'a');
    const [failed, hashed] = await Promise.allSettled([sha256InTurn(bad), sha256InTurn(good)]);
    expect(failed.status).toBe('rejected');
    expect(hashed).toEqual({ status: 'fulfilled', value: sha256Of(good) });
  });
});

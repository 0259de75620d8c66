import type { IdentityRecord } from '@ktrdr/operations-prisma';
import { WorkerRevokedError, WorkerUnknownError } from '../workers/errors.js';
import { WorkerIdentities } from './worker-identities.js';

function given() {
  const rows = new Map<string, IdentityRecord>();
  const clock = { now: 0 };
  const asked = { find: 0, valid: 0 };
  const store = {
    find: async (nkey: string) => {
      asked.find += 1;
      return rows.get(nkey) ?? null;
    },
    list: async ({ workerId }: { readonly workerId?: string | undefined } = {}) =>
      [...rows.values()].filter((row) => !row.isRevoked && row.workerId === workerId),
    valid: async (nkeys: readonly string[]) => {
      asked.valid += 1;
      return nkeys.filter((nkey) => rows.get(nkey)?.isRevoked === false);
    },
  };
  const add = (nkey: string, workerId: string): void =>
    void rows.set(nkey, { nkey, workerId, pool: 'default', createdAt: new Date(), isRevoked: false });
  const revoke = (nkey: string): void => {
    const row = rows.get(nkey);
    if (row) rows.set(nkey, { ...row, isRevoked: true });
  };
  return { rows, clock, asked, store, add, revoke, identities: new WorkerIdentities(store, () => clock.now) };
}

describe('the workers that a replica knows by their keys', () => {
  it('are read once, and looked at again all together, once a second', async () => {
    const { add, identities, asked, clock } = given();
    add('U1', 'w1');
    add('U2', 'w2');
    for (let tenth = 0; tenth < 20; tenth += 1) {
      clock.now += 100;
      await Promise.all([identities.of('U1'), identities.of('U2')]);
    }
    expect(asked.find).toBe(2);
    expect(asked.valid).toBeLessThanOrEqual(3);
  });

  it('are refused a second after another replica has revoked them, and at once where they are revoked', async () => {
    const { add, revoke, identities, clock } = given();
    add('U1', 'w1');
    add('U2', 'w2');
    expect(await identities.of('U1')).toMatchObject({ workerId: 'w1' });
    await identities.of('U2');
    revoke('U1');
    revoke('U2');
    identities.forget('U2');
    await expect(identities.of('U2')).rejects.toThrow(WorkerRevokedError);
    clock.now += 1_001;
    await expect(identities.of('U1')).rejects.toThrow(WorkerRevokedError);
    await expect(identities.of('U3')).rejects.toThrow(WorkerUnknownError);
  });

  it('are not remembered from an answer that was under way while they were revoked', async () => {
    const { add, revoke, identities, store } = given();
    add('U1', 'w1');
    const answer = Promise.withResolvers<void>();
    const { find } = store;
    store.find = async (nkey) => {
      const row = await find(nkey);
      await answer.promise;
      return row;
    };
    const asked = identities.of('U1');
    await new Promise(setImmediate);
    revoke('U1');
    identities.forget('U1');
    answer.resolve();
    await asked;
    await expect(identities.of('U1')).rejects.toThrow(WorkerRevokedError);
  });

  it('are spoken to by their newest key', async () => {
    const { add, revoke, identities } = given();
    add('U1', 'w1');
    expect(await identities.keyOf('w1')).toBe('U1');
    await identities.of('U1');
    revoke('U1');
    identities.forget('U1');
    add('U2', 'w1');
    expect(await identities.keyOf('w1')).toBe('U2');
    expect(await identities.keyOf('w9')).toBeNull();
  });
});

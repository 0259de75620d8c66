import { ROUTES } from '@ktrdr/contracts';
import { IllegalTransitionError, type Operation, type OperationListRequest } from '@ktrdr/operations';
import { givenOperation } from '@ktrdr/operations/testing';
import type { PrismaOperationStore } from '@ktrdr/operations-prisma';
import { BulkAction } from './bulk-action.js';

const { filter } = ROUTES.operations.resumeAll.body.parse({ filter: { status: ['queued'] } });

/** So many operations that match, page by page. */
function givenStore(total: number): PrismaOperationStore {
  return storeOf(Array.from({ length: total }, (_, n) => givenOperation({ id: `op_${n}` })));
}

function storeOf(all: readonly Operation[], later: Readonly<Record<string, Operation>> = {}): PrismaOperationStore {
  const total = all.length;
  return {
    list: async ({ limit, after }: OperationListRequest) => {
      const start = after ? all.findIndex(({ id }) => id === after.id) + 1 : 0;
      return { items: all.slice(start, start + limit), hasMore: start + limit < total, total, active: 0, byStatus: {} };
    },
    get: async (id: string) => later[id] ?? all.find((operation) => operation.id === id),
  } as unknown as PrismaOperationStore;
}

describe('an action on everything that matches', () => {
  it.each([
    [3, 3, 0],
    [1_000, 1_000, 0],
    [1_234, 1_000, 234],
  ])('on %i acts on %i and says that it left out %i', async (total, matched, leftOut) => {
    const acted: string[] = [];
    const act = async (id: string) => acted.push(id);
    const view = await new BulkAction(givenStore(total)).execute({ filter, isDryRun: false, action: 'pause', act });
    expect(view).toMatchObject({ matched, left_out: leftOut, done: matched });
    expect(new Set(acted).size).toBe(matched);
  });

  it.each([false, true])('passes over what has ended, without trying it (dry run: %s)', async (isDryRun) => {
    const acted: string[] = [];
    const act = async (id: string) => acted.push(id);
    const store = storeOf([
      givenOperation({ id: 'op_running', status: 'running' }),
      givenOperation({ id: 'op_completed', status: 'completed' }),
    ]);
    const view = await new BulkAction(store).execute({ filter, isDryRun, action: 'cancel', act });
    expect(view).toMatchObject({ matched: 2, done: 1 });
    expect(view.items[1]).toMatchObject({ outcome: 'passed-over', code: null, detail: 'it is already completed' });
    expect(acted).toEqual(isDryRun ? [] : ['op_running']);
  });

  it('passes over what ends before its turn comes, and refuses what does not', async () => {
    const running = ['op_ends', 'op_stays'].map((id) => givenOperation({ id, status: 'running' }));
    const store = storeOf(running, { op_ends: givenOperation({ id: 'op_ends', status: 'completed' }) });
    const act = (operationId: string) => {
      throw new IllegalTransitionError({ operationId, status: 'completed', action: 'cancel', allowedActions: [] });
    };
    const { items, done } = await new BulkAction(store).execute({ filter, isDryRun: false, action: 'cancel', act });
    expect([done, ...items.map(({ outcome }) => outcome)]).toEqual([0, 'passed-over', 'refused']);
  });

  it('says of a type that saves nothing that it cannot be paused, and not that it is running', async () => {
    const store = storeOf([givenOperation({ id: 'op_data', status: 'running', type: 'data_generation' })]);
    const act = () => Promise.reject(new Error('a rehearsal does nothing'));
    const { items } = await new BulkAction(store).execute({ filter, isDryRun: true, action: 'pause', act });
    expect(items).toMatchObject([{ outcome: 'refused', code: 'pause-refused' }]);
    expect(items[0]?.detail).toContain('operations of type data_generation save no checkpoints');
  });
});

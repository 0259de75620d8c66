import { IllegalTransitionError } from '../model/errors.js';
import type { Operation } from '../model/operation.js';
import { OPERATION_STATUSES } from '../model/status.js';
import { allowedActions, CLIENT_ACTIONS } from '../model/transitions.js';
import type { OperationListRequest } from '../ports.js';
import { givenOperation } from '../testing/given-operation.js';
import { BulkAction, isNoOp } from './bulk-action.js';

const filter = { statuses: ['queued'] } as const;

/** So many operations that match, page by page. */
function givenStore(total: number): ConstructorParameters<typeof BulkAction>[0] {
  return storeOf(Array.from({ length: total }, (_, n) => givenOperation({ id: `op_${n}` })));
}

function storeOf(
  all: readonly Operation[],
  later: Readonly<Record<string, Operation>> = {},
): ConstructorParameters<typeof BulkAction>[0] {
  const total = all.length;
  return {
    list: async ({ limit, after }: OperationListRequest) => {
      const start = after ? all.findIndex(({ id }) => id === after.id) + 1 : 0;
      return { items: all.slice(start, start + limit), hasMore: start + limit < total, total, active: 0, byStatus: {} };
    },
    get: async (id: string) => later[id] ?? all.find((operation) => operation.id === id),
  } as unknown as ConstructorParameters<typeof BulkAction>[0];
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
    expect(view).toMatchObject({ matched, leftOut, done: matched });
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

describe('an action on many operations', () => {
  it.each(CLIENT_ACTIONS)('passes over none that it could %s', (action) => {
    const passedOver = OPERATION_STATUSES.filter((status) => isNoOp(status, action));
    expect(passedOver.filter((status) => allowedActions(status).includes(action))).toEqual([]);
  });

  it('passes over what has ended, and what is already where it leads', () => {
    expect(OPERATION_STATUSES.filter((status) => isNoOp(status, 'cancel'))).toEqual([
      'cancelling',
      'cancelled',
      'completed',
      'failed',
    ]);
    expect(isNoOp('paused', 'pause')).toBe(true);
    expect(isNoOp('running', 'resume')).toBe(true);
    expect(isNoOp('completed', 'resume')).toBe(true);
  });

  it('does not pass over what is meant and cannot be had: a resume while it is being cancelled', () => {
    expect(isNoOp('cancelling', 'resume')).toBe(false);
  });
});

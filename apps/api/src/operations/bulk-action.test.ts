import { BulkResumeBody } from '@ktrdr/contracts';
import type { Operation, OperationListRequest } from '@ktrdr/operations';
import { givenOperation } from '@ktrdr/operations/testing';
import type { PrismaOperationStore } from '@ktrdr/operations-prisma';
import { BulkAction } from './bulk-action.js';

const { filter } = BulkResumeBody.parse({ filter: { status: ['queued'] } });

/** So many operations that match, page by page. */
function givenStore(total: number): PrismaOperationStore {
  const all: Operation[] = Array.from({ length: total }, (_, n) => givenOperation({ id: `op_${n}` }));
  return {
    list: async ({ limit, after }: OperationListRequest) => {
      const start = after ? all.findIndex(({ id }) => id === after.id) + 1 : 0;
      return { items: all.slice(start, start + limit), hasMore: start + limit < total, total, active: 0, byStatus: {} };
    },
    get: async (id: string) => givenOperation({ id }),
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
});

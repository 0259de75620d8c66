import { type OperationList, type OperationListRequest, type OperationStatus } from '@ktrdr/operations';
import type { Database } from '../database/database.js';
import type { Prisma } from '../generated/prisma/client.js';
import { toOperation } from './operation-rows.js';

const ACTIVE: readonly OperationStatus[] = ['queued', 'running', 'pausing', 'resuming', 'cancelling'];

/** Newest first, with the counts a list needs; everything from the database, finished operations included. */
export async function listOperations(prisma: Database, request: OperationListRequest): Promise<OperationList> {
  const { ids, statuses, type, text, createdAfter, createdBefore, parentId, labels, limit, after } = request;
  const filter: Prisma.OperationWhereInput = {
    ...(ids ? { id: { in: [...ids] } } : {}),
    ...(statuses ? { status: { in: [...statuses] } } : {}),
    ...(type ? { type } : {}),
    ...(parentId ? { parentId } : {}),
    ...(labels ? { AND: Object.entries(labels).map(([key, equals]) => ({ labels: { path: [key], equals } })) } : {}),
    ...(text
      ? { OR: [{ name: { contains: text, mode: 'insensitive' } }, { id: { contains: text, mode: 'insensitive' } }] }
      : {}),
    ...(createdAfter || createdBefore
      ? {
          createdAt: {
            ...(createdAfter ? { gte: createdAfter } : {}),
            ...(createdBefore ? { lt: createdBefore } : {}),
          },
        }
      : {}),
  };
  const behind: Prisma.OperationWhereInput = after
    ? { OR: [{ createdAt: { lt: after.createdAt } }, { createdAt: after.createdAt, id: { lt: after.id } }] }
    : {};
  const [rows, total, groups] = await Promise.all([
    prisma.operation.findMany({
      where: { AND: [filter, behind] },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    }),
    prisma.operation.count({ where: filter }),
    prisma.operation.groupBy({ by: ['status'], _count: { _all: true } }),
  ]);
  const byStatus = Object.fromEntries(groups.map(({ status, _count }) => [status, _count._all]));
  return {
    items: rows.slice(0, limit).map(toOperation),
    hasMore: rows.length > limit,
    total,
    active: ACTIVE.reduce((sum, status) => sum + (byStatus[status] ?? 0), 0),
    byStatus,
  };
}

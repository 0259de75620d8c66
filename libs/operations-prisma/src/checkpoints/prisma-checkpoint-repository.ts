import {
  type BadFile,
  type Checkpoint,
  type CheckpointDraft,
  CheckpointInUseError,
  CheckpointNotFoundError,
  type CheckpointRepository,
  type Lease,
} from '@ktrdr/operations';
import { type Database } from '../database/database.js';
import { type Checkpoint as CheckpointRow, Prisma } from '../generated/prisma/client.js';
import { CheckpointGarbageStore, partsOf } from './checkpoint-garbage-store.js';
import { checkpointColumns, IN_ORDER, toCheckpoint } from './checkpoint-rows.js';
import { commitCheckpoint } from './commit-checkpoint.js';
import { markCorrupted } from './mark-damage.js';

const { sql } = Prisma;

/** Checkpoints in PostgreSQL: the committed row is the checkpoint. */
export class PrismaCheckpointRepository implements CheckpointRepository {
  private readonly garbage: CheckpointGarbageStore;

  constructor(private readonly prisma: Database) {
    this.garbage = new CheckpointGarbageStore(prisma);
  }

  commit(lease: Lease, draft: CheckpointDraft, assertStored: () => Promise<void>): Promise<void> {
    return commitCheckpoint(this.prisma, lease, draft, assertStored);
  }

  async get(id: string): Promise<Checkpoint> {
    const row = await this.prisma.checkpoint.findUnique({ where: { id } });
    if (!row || row.deletingAt) throw new CheckpointNotFoundError(id);
    return toCheckpoint(row);
  }

  async ofOperation(operationId: string): Promise<readonly Checkpoint[]> {
    const rows = await this.prisma.$rows<CheckpointRow>(sql`
      SELECT ${checkpointColumns('c')} FROM checkpoints c
      WHERE c.operation_id = ${operationId} AND c.deleting_at IS NULL
      ORDER BY ${IN_ORDER}`);
    return rows.map(toCheckpoint);
  }

  async setPinned(id: string, pinned: boolean): Promise<Checkpoint> {
    const [row] = await this.prisma.checkpoint.updateManyAndReturn({
      where: { id, deletingAt: null },
      data: { pinned },
    });
    if (!row) throw new CheckpointNotFoundError(id);
    return toCheckpoint(row);
  }

  markCorrupted(id: string, badFiles: readonly BadFile[]): Promise<boolean> {
    return markCorrupted(this.prisma, id, badFiles);
  }

  async markDeleting(id: string, whyKept: Parameters<CheckpointRepository['markDeleting']>[1]): Promise<void> {
    const { operationId } = await this.get(id);
    const marked = await this.garbage.markDeleting(operationId, ({ operation, checkpoints }) => {
      if (!checkpoints.some((checkpoint) => checkpoint.id === id)) return [];
      const reason = whyKept(operation, checkpoints);
      if (reason) throw new CheckpointInUseError(id, reason);
      return [id];
    });
    if (marked.length === 0) throw new CheckpointNotFoundError(id);
  }

  async removeRow(id: string): Promise<void> {
    await this.prisma.checkpoint.deleteMany({ where: { id } });
  }

  async deleting(limit: number): Promise<readonly Checkpoint[]> {
    const rows = await this.prisma.checkpoint.findMany({
      where: { deletingAt: { not: null } },
      orderBy: { id: 'asc' },
      take: limit,
    });
    return rows.map(toCheckpoint);
  }

  async stats() {
    type Row = { count: bigint; logical: bigint | null; stored: bigint | null; oldest: Date | null };
    const [[totals], operations] = await Promise.all([
      this.prisma.$queryRaw<Row[]>(sql`
        WITH parts AS (
          SELECT p->>'blob' AS blob, (p->>'bytes')::bigint AS bytes
          FROM checkpoints c, ${partsOf('c')} p WHERE c.deleting_at IS NULL)
        SELECT (SELECT count(*) FROM checkpoints WHERE deleting_at IS NULL) AS count,
          (SELECT sum(bytes) FROM parts)::bigint AS logical,
          (SELECT sum(bytes) FROM (SELECT DISTINCT blob, bytes FROM parts) b)::bigint AS stored,
          (SELECT min(created_at) FROM checkpoints WHERE deleting_at IS NULL) AS oldest`),
      this.prisma.checkpoint.groupBy({
        by: ['operationId'],
        where: { deletingAt: null },
        _count: { _all: true },
        _sum: { bytes: true },
        orderBy: { _sum: { bytes: 'desc' } },
        take: 1000,
      }),
    ]);
    return {
      count: Number(totals?.count ?? 0),
      logicalBytes: Number(totals?.logical ?? 0),
      storedBytes: Number(totals?.stored ?? 0),
      oldestAt: totals?.oldest ?? null,
      operations: operations.map(({ operationId, _count, _sum }) => ({
        operationId,
        count: _count._all,
        bytes: Number(_sum.bytes ?? 0),
      })),
    };
  }

  async latestOf(operationIds: readonly string[]): Promise<ReadonlyMap<string, Checkpoint>> {
    if (operationIds.length === 0) return new Map();
    const rows = await this.prisma.$rows<CheckpointRow>(sql`
      SELECT DISTINCT ON (c.operation_id) ${checkpointColumns('c')} FROM checkpoints c
      WHERE c.operation_id = ANY(${[...operationIds]}) AND c.deleting_at IS NULL
      ORDER BY c.operation_id, c.corrupted_at IS NOT NULL, ${IN_ORDER}`);
    return new Map(rows.map((row) => [row.operationId, toCheckpoint(row)]));
  }

  async byIds(ids: readonly string[]): Promise<ReadonlyMap<string, Checkpoint>> {
    if (ids.length === 0) return new Map();
    const rows = await this.prisma.checkpoint.findMany({ where: { id: { in: [...ids] } } });
    return new Map(rows.map((row) => [row.id, toCheckpoint(row)]));
  }
}

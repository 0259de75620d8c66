import {
  type BadFile,
  type Checkpoint,
  type CheckpointDraft,
  CheckpointInUseError,
  CheckpointNotFoundError,
  type CheckpointRepository,
  type Lease,
  LeaseLostError,
} from '@ktrdr/operations';
import { type Database, withDatabaseErrors, writeEvents } from '../database/database.js';
import { type Checkpoint as CheckpointRow, Prisma } from '../generated/prisma/client.js';
import { shareObjects } from './objects-lock.js';
import { checkpointColumns, IN_ORDER, toCheckpoint } from '../operations/operation-rows.js';
import { partsOf, CheckpointGarbageStore } from './checkpoint-garbage-store.js';
import { LEASED } from '../database/status-lists.js';
import { eventOrderLock } from '../database/event-order-lock.js';

const { sql } = Prisma;
const json = (value: unknown) => sql`${JSON.stringify(value)}::jsonb`;

/** A commit asks the object store for each blob in between; a slow one must not break it off. */
const COMMIT_LIMITS = { maxWait: 10_000, timeout: 60_000 };

/** Checkpoints in PostgreSQL: the committed row is the checkpoint. */
export class PrismaCheckpointRepository implements CheckpointRepository {
  private readonly collection: CheckpointGarbageStore;

  constructor(private readonly prisma: Database) {
    this.collection = new CheckpointGarbageStore(prisma);
  }

  async commit(lease: Lease, draft: CheckpointDraft, assertStored: () => Promise<void>): Promise<void> {
    const committed = await writeEvents(this.prisma, () =>
      this.prisma.$transaction(async (tx) => {
        await shareObjects(tx);
        await assertStored();
        // Locked first, so that the statement sees what a commit of the same checkpoint at the same time has written.
        await tx.$executeRaw(sql`
          SELECT 1 FROM operations o, ${eventOrderLock(lease.operationId)} WHERE o.id = ${lease.operationId} FOR UPDATE OF o`);
        const rows = await tx.$queryRaw<{ id: string }[]>(commitStatement(lease, draft));
        return rows.length === 1;
      }, COMMIT_LIMITS),
    );
    if (committed) return;
    const earlier = await withDatabaseErrors(() => this.prisma.checkpoint.findUnique({ where: { id: draft.id } }));
    if (earlier?.operationId === lease.operationId && earlier.attempt === lease.attempt) return;
    throw new LeaseLostError(lease);
  }

  async get(id: string): Promise<Checkpoint> {
    const row = await withDatabaseErrors(() => this.prisma.checkpoint.findUnique({ where: { id } }));
    if (!row || row.deletingAt) throw new CheckpointNotFoundError(id);
    return toCheckpoint(row);
  }

  async ofOperation(operationId: string): Promise<readonly Checkpoint[]> {
    const rows = await withDatabaseErrors(() =>
      this.prisma.$rows<CheckpointRow>(sql`
        SELECT ${checkpointColumns('c')} FROM checkpoints c
        WHERE c.operation_id = ${operationId} AND c.deleting_at IS NULL
        ORDER BY ${Prisma.raw(IN_ORDER)}`),
    );
    return rows.map(toCheckpoint);
  }

  async setPinned(id: string, pinned: boolean): Promise<Checkpoint> {
    const [row] = await withDatabaseErrors(() =>
      this.prisma.checkpoint.updateManyAndReturn({ where: { id, deletingAt: null }, data: { pinned } }),
    );
    if (!row) throw new CheckpointNotFoundError(id);
    return toCheckpoint(row);
  }

  async markCorrupted(id: string, badFiles: readonly BadFile[]): Promise<boolean> {
    // The operation is locked first, as everywhere, so that nobody waits in a circle.
    const owner = sql`(SELECT operation_id FROM checkpoints WHERE id = ${id})`;
    const rows = await writeEvents(this.prisma, () =>
      this.prisma.$queryRaw<unknown[]>(sql`
        WITH o AS (
          SELECT o.id FROM operations o, ${eventOrderLock(owner)} WHERE o.id = ${owner} FOR UPDATE OF o
        ), c AS (
          UPDATE checkpoints SET corrupted_at = clock_timestamp() FROM o
          WHERE checkpoints.id = ${id} AND operation_id = o.id AND corrupted_at IS NULL AND deleting_at IS NULL
          RETURNING operation_id
        ), u AS (
          UPDATE operations o SET event_seq = o.event_seq + 1 FROM c WHERE o.id = c.operation_id
          RETURNING o.id, o.event_seq, o.attempt
        )
        INSERT INTO events (operation_id, seq, type, attempt, data)
        SELECT id, event_seq, 'checkpoint-corrupted', attempt, ${json({ checkpoint_id: id, bad_files: badFiles })} FROM u
        RETURNING seq`),
    );
    if (rows.length === 1) return true;
    await withDatabaseErrors(() =>
      this.prisma.$executeRaw(sql`
        UPDATE checkpoints SET corrupted_at = clock_timestamp()
        WHERE id = ${id} AND corrupted_at IS NOT NULL AND deleting_at IS NULL`),
    );
    return false;
  }

  async markDeleting(id: string, whyKept: Parameters<CheckpointRepository['markDeleting']>[1]): Promise<void> {
    const { operationId } = await this.get(id);
    const marked = await this.collection.markDeleting(operationId, ({ operation, checkpoints }) => {
      if (!checkpoints.some((checkpoint) => checkpoint.id === id)) return [];
      const reason = whyKept(operation, checkpoints);
      if (reason) throw new CheckpointInUseError(id, reason);
      return [id];
    });
    if (marked.length === 0) throw new CheckpointNotFoundError(id);
  }

  async removeRow(id: string): Promise<void> {
    await withDatabaseErrors(() => this.prisma.checkpoint.deleteMany({ where: { id } }));
  }

  async deleting(limit: number): Promise<readonly Checkpoint[]> {
    const rows = await withDatabaseErrors(() =>
      this.prisma.checkpoint.findMany({ where: { deletingAt: { not: null } }, orderBy: { id: 'asc' }, take: limit }),
    );
    return rows.map(toCheckpoint);
  }

  async stats() {
    type Row = { count: bigint; logical: bigint | null; stored: bigint | null; oldest: Date | null };
    const [[totals], operations] = await withDatabaseErrors(() =>
      Promise.all([
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
      ]),
    );
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
    const rows = await withDatabaseErrors(() =>
      this.prisma.$rows<CheckpointRow>(sql`
        SELECT DISTINCT ON (c.operation_id) ${checkpointColumns('c')} FROM checkpoints c
        WHERE c.operation_id = ANY(${[...operationIds]}) AND c.deleting_at IS NULL
        ORDER BY c.operation_id, c.corrupted_at IS NOT NULL, ${Prisma.raw(IN_ORDER)}`),
    );
    return new Map(rows.map((row) => [row.operationId, toCheckpoint(row)]));
  }

  async byIds(ids: readonly string[]): Promise<ReadonlyMap<string, Checkpoint>> {
    if (ids.length === 0) return new Map();
    const rows = await withDatabaseErrors(() => this.prisma.checkpoint.findMany({ where: { id: { in: [...ids] } } }));
    return new Map(rows.map((row) => [row.id, toCheckpoint(row)]));
  }
}

/**
 * The guarded half of the two-sided commit: the row exists only if the lease still stands. What is saved was trained,
 * whether or not the report of it has arrived yet.
 */
function commitStatement({ operationId, attempt, workerId }: Lease, draft: CheckpointDraft): Prisma.Sql {
  return sql`
    WITH u AS (
      UPDATE operations o SET event_seq = o.event_seq + 1,
        progress = CASE WHEN (o.progress->>'step')::int < ${draft.step}::int
          THEN o.progress || ${json({ step: draft.step, epoch: draft.epoch })} ELSE o.progress END
      WHERE o.id = ${operationId} AND o.attempt = ${attempt} AND o.worker_id = ${workerId}
        AND o.status IN ${LEASED}
        AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE id = ${draft.id})
      RETURNING o.id, o.event_seq, o.attempt
    ), c AS (
      INSERT INTO checkpoints (id, operation_id, attempt, seq, kind, step, epoch, created_at, committed_at, manifest_key,
        manifest_sha256, bytes, files, metrics, is_best, parent_id, stall_ms, save_ms, uploaded_bytes)
      SELECT ${draft.id}, u.id, u.attempt, ${draft.seq}, ${draft.kind}, ${draft.step}, ${draft.epoch}, ${draft.createdAt},
        clock_timestamp(), ${draft.manifestKey}, ${draft.manifestSha256}, ${draft.bytes}, ${json(draft.files)},
        ${json(draft.metrics)}, ${draft.isBest}, ${draft.parentId}, ${draft.stallMs}, ${draft.saveMs}, ${draft.uploadedBytes}
      FROM u RETURNING id
    ), e AS (
      INSERT INTO events (operation_id, seq, type, attempt, data)
      SELECT u.id, u.event_seq, 'checkpoint', u.attempt, ${json({
        checkpoint_id: draft.id,
        kind: draft.kind,
        step: draft.step,
        epoch: draft.epoch,
        bytes: draft.bytes,
        stall_ms: draft.stallMs,
        save_ms: draft.saveMs,
      })} FROM u
    )
    SELECT id FROM c`;
}

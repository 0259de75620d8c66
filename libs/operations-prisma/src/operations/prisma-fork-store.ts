import { type ForkDraft, type ForkOutcome, type ForkStore, type Operation } from '@ktrdr/operations';
import { type Database, withDatabaseErrors, writeEvents } from '../database/database.js';
import { forksStatement, forkStatement } from './fork-operation.js';
import { Prisma, type Operation as OperationRow } from '../generated/prisma/client.js';
import { toOperation } from './operation-rows.js';
import { shareObjects } from '../checkpoints/objects-lock.js';
import { eventOrderLock } from '../database/event-order-lock.js';

const { sql } = Prisma;

/** The object store is asked in between; a slow one must not break it off. */
const FORK_LIMITS = { maxWait: 10_000, timeout: 60_000 };

/** A fork, as the events of its origin tell. */
export interface ForkEntry {
  readonly seq: number;
  readonly at: Date;
  readonly attempt: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Forks in PostgreSQL. */
export class PrismaForkStore implements ForkStore {
  constructor(private readonly prisma: Database) {}

  async fork(draft: ForkDraft, assertStored: () => Promise<void>): Promise<ForkOutcome> {
    const { origin } = draft;
    const row = await writeEvents(this.prisma, () =>
      this.prisma.$transaction(async (tx) => {
        await shareObjects(tx);
        if (!(await isThere(tx, draft))) return 'gone';
        // Before the origin is locked: its worker's heartbeats need the row, and the object store may be slow.
        await assertStored();
        // Retention, clean-up and deletion decide under the same lock.
        await tx.$executeRaw(sql`
          SELECT 1 FROM operations o, ${eventOrderLock(origin.operationId)} WHERE o.id = ${origin.operationId} FOR UPDATE OF o`);
        if (!(await isThere(tx, draft))) return 'gone';
        const [stored] = await tx.$queryRaw<OperationRow[]>(forkStatement(draft));
        return stored ?? null;
      }, FORK_LIMITS),
    );
    if (row === 'gone') return { kind: 'gone' };
    if (row) return { kind: 'forked', operation: toOperation(row), isNew: true };
    const earlier = await withDatabaseErrors(() =>
      this.prisma.operation.findUnique({ where: { submissionKey: draft.submissionKey ?? '' } }),
    );
    if (!earlier) throw new Error(`fork ${draft.id} was neither stored nor found`);
    return { kind: 'forked', operation: toOperation(earlier), isNew: false };
  }

  /** What was made from these by forking, newest first, at most `limit` of each. */
  async forksOf(operationIds: readonly string[], limit: number): Promise<ReadonlyMap<string, readonly Operation[]>> {
    if (operationIds.length === 0) return new Map();
    const rows = await withDatabaseErrors(() => this.prisma.$rows<OperationRow>(forksStatement(operationIds, limit)));
    return Map.groupBy(rows.map(toOperation), ({ origin }) => origin?.operationId ?? '');
  }

  /** Every fork that was ever made of it, oldest first, those that were deleted since included. */
  async forkEntries(operationId: string): Promise<readonly ForkEntry[]> {
    return withDatabaseErrors(() =>
      this.prisma.$rows<ForkEntry>(sql`
        SELECT e.seq, e.at, e.attempt, e.data FROM events e
        WHERE e.operation_id = ${operationId} AND e.type = 'forked' ORDER BY e.seq`),
    );
  }
}

async function isThere(tx: Prisma.TransactionClient, { origin }: ForkDraft): Promise<boolean> {
  const rows = await tx.$queryRaw<unknown[]>(sql`
    SELECT 1 FROM checkpoints c
    WHERE c.id = ${origin.checkpointId} AND c.operation_id = ${origin.operationId} AND c.deleting_at IS NULL`);
  return rows.length === 1;
}

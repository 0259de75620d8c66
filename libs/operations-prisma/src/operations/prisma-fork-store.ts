import { type ForkDraft, type ForkOutcome, type ForkStore, type Operation } from '@ktrdr/operations';
import { type Database } from '../database/database.js';
import { Prisma } from '../generated/prisma/client.js';
import { forkOperation } from './fork-operation.js';
import { operationColumns, type OperationRow, toOperation } from './operation-rows.js';

const { sql } = Prisma;

/** A fork, as the events of its origin show it. */
export interface ForkEntry {
  readonly seq: number;
  readonly at: Date;
  readonly attempt: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Forks in PostgreSQL. */
export class PrismaForkStore implements ForkStore {
  constructor(private readonly prisma: Database) {}

  fork(draft: ForkDraft, assertStored: () => Promise<void>): Promise<ForkOutcome> {
    return forkOperation(this.prisma, draft, assertStored);
  }

  /** What was made from these by forking, newest first, at most `limit` of each. */
  async forksOf(operationIds: readonly string[], limit: number): Promise<ReadonlyMap<string, readonly Operation[]>> {
    if (operationIds.length === 0) return new Map();
    const rows = await this.prisma.$rows<OperationRow>(sql`
      SELECT ${operationColumns('f')} FROM unnest(${[...operationIds]}::text[]) AS origin(id) CROSS JOIN LATERAL (
        SELECT o.* FROM operations o
        WHERE o.origin IS NOT NULL AND o.origin->>'operationId' = origin.id AND o.origin->>'kind' = 'fork'
        ORDER BY o.created_at DESC LIMIT ${limit}
      ) f`);
    return Map.groupBy(rows.map(toOperation), ({ origin }) => origin?.operationId ?? '');
  }

  /** Every fork that was ever made of it, oldest first, deleted ones included. */
  async forkEntries(operationId: string): Promise<readonly ForkEntry[]> {
    return this.prisma.$rows<ForkEntry>(sql`
      SELECT e.seq, e.at, e.attempt, e.data FROM events e
      WHERE e.operation_id = ${operationId} AND e.type = 'forked' ORDER BY e.seq`);
  }
}

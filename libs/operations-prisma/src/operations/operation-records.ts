import type { HistoryEntry, MetricPointRecord, OperationEventRecord, OperationStatus } from '@ktrdr/operations';
import { type Database } from '../database/database.js';
import { type Attempt as AttemptRow, Prisma } from '../generated/prisma/client.js';
import { toEvent, toHistoryEntry, toMetricPoint } from './operation-rows.js';

const { sql, join } = Prisma;

export interface ChildrenOfStatus {
  readonly status: OperationStatus;
  readonly count: number;
  /** Sum of their fractions done. */
  readonly done: number;
}

/** Null: it went on from where the operation was, and passed over nothing. */
function rewindOf({ claimedStep, startStep, checkpointId, fellBackFrom }: AttemptRow) {
  const lostSteps = Math.max(0, (claimedStep ?? 0) - (startStep ?? 0));
  if (lostSteps === 0 && fellBackFrom === null) return null;
  return {
    checkpoint_id: checkpointId,
    step: startStep,
    lost_steps: lostSteps,
    ...(fellBackFrom === null ? {} : { fell_back_from: fellBackFrom }),
  };
}

/** What happened to operations: read by people, written by the statements that made it happen. */
export class OperationRecords {
  constructor(private readonly prisma: Database) {}

  /** A claim also shows how far its attempt went back, which its start reported later. */
  async history(id: string): Promise<readonly HistoryEntry[]> {
    const [rows, attempts] = await Promise.all([
      this.prisma.historyEntry.findMany({ where: { operationId: id }, orderBy: { n: 'asc' } }),
      this.prisma.attempt.findMany({ where: { operationId: id, restoredAt: { not: null } } }),
    ]);
    const rewinds = new Map(attempts.map((attempt) => [attempt.attempt, rewindOf(attempt)]));
    return rows.map(toHistoryEntry).map((entry) => {
      const rewind = entry.event === 'claim' ? rewinds.get(entry.attempt) : undefined;
      return rewind ? { ...entry, details: { ...entry.details, ...rewind } } : entry;
    });
  }

  async events(id: string, afterSeq: number, limit: number): Promise<readonly OperationEventRecord[]> {
    const rows = await this.prisma.operationEvent.findMany({
      where: { operationId: id, seq: { gt: afterSeq } },
      orderBy: { seq: 'asc' },
      take: limit,
    });
    return rows.map(toEvent);
  }

  /** One point a step: the newest attempt's, and none from beyond the step where a later attempt began again. */
  async metricPoints(id: string): Promise<readonly MetricPointRecord[]> {
    const rows = await this.prisma.$queryRaw<Parameters<typeof toMetricPoint>[0][]>(sql`
      SELECT DISTINCT ON (p.step) p.operation_id AS "operationId", p.step, p.epoch, p.attempt, p.at, p.values
      FROM metric_points p
      WHERE p.operation_id = ${id} AND NOT EXISTS (
        SELECT 1 FROM attempts a
        WHERE a.operation_id = p.operation_id AND a.attempt > p.attempt AND a.start_step < p.step)
      ORDER BY ${join([sql`p.step`, sql`p.attempt DESC`])}`);
    return rows.map(toMetricPoint);
  }

  /** What asked these operations to pause, and what made them `paused`, oldest first. */
  async pauseEntries(operationIds: readonly string[]): Promise<ReadonlyMap<string, readonly HistoryEntry[]>> {
    if (operationIds.length === 0) return new Map();
    const rows = await this.prisma.historyEntry.findMany({
      where: { operationId: { in: [...operationIds] }, OR: [{ to: 'paused' }, { event: 'pause' }] },
      orderBy: { n: 'asc' },
    });
    return new Map(
      [...Map.groupBy(rows, ({ operationId }) => operationId)].map(([id, entries]) => [
        id,
        entries.map(toHistoryEntry),
      ]),
    );
  }

  /** How many operations of each status each of these has as children, and how far they are. */
  async childrenSummaries(parentIds: readonly string[]): Promise<ReadonlyMap<string, readonly ChildrenOfStatus[]>> {
    if (parentIds.length === 0) return new Map();
    const rows = await this.prisma.$queryRaw<(ChildrenOfStatus & { parentId: string })[]>(sql`
      SELECT parent_id AS "parentId", status, count(*)::int AS count, sum(CASE WHEN status = 'completed' THEN 1
        WHEN coalesce((progress->>'steps')::float8, 0) > 0
          THEN least(1, (progress->>'step')::float8 / (progress->>'steps')::float8) ELSE 0 END)::float8 AS done
      FROM operations WHERE parent_id = ANY(${[...parentIds]}) GROUP BY parent_id, status`);
    return Map.groupBy(rows, ({ parentId }) => parentId);
  }
}

import type { OperationEvent, OperationStatus } from '@ktrdr/operations';
import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';

/** Everything that the database says about one operation, read past the service that wrote it. */
export interface OperationRecord {
  readonly row: OperationRow;
  readonly history: readonly HistoryRow[];
  readonly events: readonly EventRow[];
  readonly attempts: readonly AttemptRow[];
  readonly checkpoints: readonly CheckpointRow[];
}

interface OperationRow {
  readonly id: string;
  readonly status: OperationStatus;
  readonly version: number;
  readonly attempt: number;
  readonly event_seq: number;
  readonly worker_id: string | null;
  readonly lease_expires_at: string | null;
  readonly recoveries: number;
  readonly max_recoveries: number;
  readonly resume_checkpoint_id: string | null;
  readonly pause_request: unknown;
  readonly cancel_request: unknown;
  readonly progress: { readonly step: number } | null;
  readonly error: unknown;
  readonly result: unknown;
  readonly finished_at: string | null;
  readonly [column: string]: unknown;
}

interface HistoryRow {
  readonly n: number;
  readonly event: OperationEvent;
  readonly from_status: OperationStatus | null;
  readonly to_status: OperationStatus;
  readonly actor: string;
  readonly attempt: number;
  readonly details: Readonly<Record<string, unknown>>;
}

interface EventRow {
  readonly seq: number;
  readonly type: string;
  readonly attempt: number;
  readonly data: Readonly<Record<string, unknown>>;
}

interface AttemptRow {
  readonly attempt: number;
  readonly worker_id: string;
  readonly claimed_at: string;
  readonly ended_at: string | null;
  readonly outcome: OperationEvent | null;
}

interface CheckpointRow {
  readonly id: string;
  readonly attempt: number;
  readonly step: number;
  readonly corrupted_at: string | null;
  readonly superseded_at: string | null;
}

export type Records = ReadonlyMap<string, OperationRecord>;

const rowsOf = (table: string, order: string) =>
  `(SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY ${order}), '[]') FROM ${table} t WHERE t.operation_id = o.id)`;

const ALL = `SELECT to_jsonb(o) || jsonb_build_object('spec', md5(o.spec::text)) AS row, ${rowsOf('operation_history', 't.n')} AS history,
  ${rowsOf('events', 't.seq')} AS events, ${rowsOf('attempts', 't.attempt')} AS attempts,
  ${rowsOf('checkpoints', 't.step DESC, t.attempt DESC, t.seq DESC')} AS checkpoints
  FROM operations o WHERE o.pool = $1`;

/** Where two records of an operation differ, in words. A lease that was only renewed is the same lease. */
export function changesBetween(before: OperationRecord | undefined, after: OperationRecord): string[] {
  if (!before) return ['it is new'];
  const columns = Object.keys(after.row).filter(
    (column) => column !== 'lease_expires_at' && !isDeepStrictEqual(before.row[column], after.row[column]),
  );
  const rows = (['history', 'events', 'attempts', 'checkpoints'] as const).filter(
    (table) => !isDeepStrictEqual(before[table], after[table]),
  );
  return [
    ...columns.map((name) => `${name}: ${JSON.stringify(before.row[name])} → ${JSON.stringify(after.row[name])}`),
    ...rows.map((name) => `${name}: ${JSON.stringify(after[name].at(-1))}`),
  ];
}

/** The operations of one pool, in one snapshot. */
export async function recordsOf(database: pg.Client, pool: string): Promise<Records> {
  const { rows } = await database.query<OperationRecord>(ALL, [pool]);
  return new Map(rows.map((record) => [record.row.id, record]));
}

import type { CheckpointFile } from '@ktrdr/operations';
import pg from 'pg';

export interface AttemptRow {
  readonly attempt: number;
  readonly workerId: string;
  readonly claimedAt: Date;
  readonly endedAt: Date | null;
  readonly outcome: string | null;
  readonly startStep: number | null;
}

interface HistoryRow {
  readonly n: number;
  readonly event: string;
  readonly from: string | null;
  readonly to: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly attempt: number;
  readonly at: Date;
}

/** `data` without what no invariant looks at. */
export interface EventRow {
  readonly seq: number;
  readonly type: string;
  readonly attempt: number;
  readonly at: Date;
  readonly event: string | null;
  readonly step: number | null;
  readonly code: string | null;
}

export interface CheckpointRow {
  readonly id: string;
  readonly attempt: number;
  readonly step: number;
  readonly kind: string;
  readonly committedAt: Date;
  readonly manifestKey: string;
  readonly manifestSha256: string;
  readonly files: readonly CheckpointFile[];
  readonly corruptedAt: Date | null;
}

interface PointRow {
  readonly attempt: number;
  readonly step: number;
}

/** Everything that the database knows about one operation. */
export interface OperationRecord {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly version: number;
  readonly attempt: number;
  readonly eventSeq: number;
  readonly recoveries: number;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly attempts: readonly AttemptRow[];
  readonly history: readonly HistoryRow[];
  readonly events: readonly EventRow[];
  readonly checkpoints: readonly CheckpointRow[];
  readonly points: readonly PointRow[];
}

/** The part of a record that is looked at while the run goes on. */
export interface OperationGlance {
  readonly id: string;
  readonly status: string;
  readonly version: number;
  readonly attempt: number;
  readonly eventSeq: number;
}

const OPERATION = `id, name, status, version, attempt, event_seq AS "eventSeq", recoveries, error, result`;
const ATTEMPT = `attempt, worker_id AS "workerId", claimed_at AS "claimedAt", ended_at AS "endedAt", outcome,
  start_step AS "startStep"`;
const HISTORY = `n, event, from_status AS "from", to_status AS "to", actor, reason, attempt, at`;
const EVENT = `seq, type, attempt, at, data->>'event' AS event, (data->>'step')::int AS step, data->>'code' AS code`;
const CHECKPOINT = `id, attempt, step, kind, committed_at AS "committedAt", manifest_key AS "manifestKey",
  manifest_sha256 AS "manifestSha256", files, corrupted_at AS "corruptedAt"`;

/** Looks into the tables, past the API that wrote them. */
export class RecordReader {
  private readonly pool: pg.Pool;

  constructor(databaseUrl: string) {
    this.pool = new pg.Pool({ connectionString: databaseUrl, max: 2, connectionTimeoutMillis: 5_000 });
    this.pool.on('error', () => undefined); // an idle connection ends with the server; the next query tells
  }

  glance(): Promise<readonly OperationGlance[]> {
    return this.rows<OperationGlance>(
      `SELECT id, status, version, attempt, event_seq AS "eventSeq" FROM operations ORDER BY created_at, id`,
    );
  }

  attemptsOf(id: string): Promise<readonly AttemptRow[]> {
    return this.rows<AttemptRow>(`SELECT ${ATTEMPT} FROM attempts WHERE operation_id = $1 ORDER BY attempt`, id);
  }

  /** Milliseconds from the first step to the end, of an operation that had a single attempt. */
  async trainingMs(id: string): Promise<number> {
    const [row] = await this.rows<{ ms: number }>(
      `SELECT (extract(epoch FROM ended_at - restored_at) * 1000)::float8 AS ms FROM attempts
       WHERE operation_id = $1 AND attempt = 1 AND outcome = 'complete'`,
      id,
    );
    if (!row) throw new Error(`${id} was not completed by its first attempt.`);
    return row.ms;
  }

  /** As it was at one moment. */
  async record(id: string): Promise<OperationRecord> {
    type Row = Omit<OperationRecord, 'attempts' | 'history' | 'events' | 'checkpoints' | 'points'>;
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const of = async <R extends pg.QueryResultRow>(columns: string, table: string, rest: string) =>
        (await client.query<R>(`SELECT ${columns} FROM ${table} WHERE ${rest}`, [id])).rows;
      const [row] = await of<Row>(OPERATION, 'operations', 'id = $1');
      if (!row) throw new Error(`The database does not know operation ${id} any more.`);
      const owned = 'operation_id = $1 ORDER BY';
      return {
        ...row,
        attempts: await of<AttemptRow>(ATTEMPT, 'attempts', `${owned} attempt`),
        history: await of<HistoryRow>(HISTORY, 'operation_history', `${owned} n`),
        events: await of<EventRow>(EVENT, 'events', `${owned} seq`),
        checkpoints: await of<CheckpointRow>(CHECKPOINT, 'checkpoints', `${owned} step, attempt, seq`),
        points: await of<PointRow>('attempt, step', 'metric_points', `${owned} step, attempt`),
      };
    } finally {
      await client.query('ROLLBACK').finally(() => client.release());
    }
  }

  /** Checkpoints that nobody has begun to retire. */
  async liveCheckpoints(): Promise<ReadonlySet<string>> {
    const rows = await this.rows<{ id: string }>('SELECT id FROM checkpoints WHERE deleting_at IS NULL');
    return new Set(rows.map(({ id }) => id));
  }

  /** How many checkpoints are being retired. */
  async deletions(): Promise<number> {
    const [row] = await this.rows<{ count: number }>(
      'SELECT count(*)::int AS count FROM checkpoints WHERE deleting_at IS NOT NULL',
    );
    return row?.count ?? 0;
  }

  close(): Promise<void> {
    return this.pool.end();
  }

  private async rows<Row extends pg.QueryResultRow>(statement: string, ...values: unknown[]): Promise<readonly Row[]> {
    return (await this.pool.query<Row>(statement, values)).rows;
  }
}

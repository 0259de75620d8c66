import type pg from 'pg';

export interface AttemptRow {
  readonly attempt: number;
  readonly worker_id: string;
  readonly claimed_at: Date;
  readonly ended_at: Date | null;
  readonly outcome: string | null;
}

/** What the tables say about an operation's attempts, past the API. */
export function attemptRecordOf(database: pg.Client, operationId: string) {
  const rows = async <Row extends pg.QueryResultRow>(statement: string, ...values: unknown[]): Promise<Row[]> =>
    (await database.query<Row>(statement, [operationId, ...values])).rows;

  return {
    attempts: () =>
      rows<AttemptRow>(
        `SELECT attempt, worker_id, claimed_at, ended_at, outcome FROM attempts WHERE operation_id = $1 ORDER BY attempt`,
      ),
    /** Everything that was written for an attempt after it had ended. */
    async writesAfterItsEnd(attempt: number): Promise<Record<string, unknown>[]> {
      const [end] = await rows<{ n: number; at: Date; seq: number }>(
        `SELECT h.n, h.at, e.seq FROM operation_history h JOIN events e ON e.operation_id = h.operation_id
           AND e.type = 'status' AND (e.data->>'version')::int = h.n
         WHERE h.operation_id = $1 AND h.attempt = $2 AND h.event = 'lease-expired'`,
        attempt,
      );
      if (!end) throw new Error(`Attempt ${attempt} of ${operationId} has not lost its lease`);
      const events = await rows(
        `SELECT seq, type, data FROM events WHERE operation_id = $1 AND attempt = $2 AND seq > $3`,
        attempt,
        end.seq,
      );
      const checkpoints = await rows(
        `SELECT id, committed_at FROM checkpoints WHERE operation_id = $1 AND attempt = $2 AND committed_at > $3`,
        attempt,
        end.at,
      );
      const history = await rows(
        `SELECT n, event FROM operation_history WHERE operation_id = $1 AND attempt = $2 AND n > $3`,
        attempt,
        end.n,
      );
      return [...events, ...checkpoints, ...history];
    },
    /** Each attempt has ended before the next one began, and each number is there once. */
    async areDisjoint(): Promise<boolean> {
      const attempts = await this.attempts();
      return attempts.every(({ attempt, ended_at }, index) => {
        const next = attempts[index + 1];
        return attempt === index + 1 && (!next || (ended_at !== null && ended_at <= next.claimed_at));
      });
    },
  };
}

import type pg from 'pg';
import { eventually } from './support/eventually.js';
import { givenStore, type StoreUnderTest } from './support/given-store.js';

const progress = (n: number) => {
  const figures = { step: n, epoch: 0, steps: 10, epochs: 1 };
  return { n, at: new Date(), type: 'progress', data: figures, progress: { ...figures, examplesPerSecond: null } };
};

describe('events that arrive while something else is being written', () => {
  let under: StoreUnderTest;
  let other: pg.Client;
  let observer: pg.Client;
  beforeAll(async () => {
    under = await givenStore();
    other = await under.connection();
    observer = await under.connection();
  });
  afterAll(() => under.close());

  /** Takes the operation's row, lets events run into it, does `work` with the row, and gives it back. */
  const whileHeld = async <T>(id: string, ingesting: () => Promise<T>, work: () => Promise<unknown>): Promise<T> => {
    await other.query('BEGIN');
    await other.query('SELECT 1 FROM operations WHERE id = $1 FOR UPDATE', [id]);
    const arriving = ingesting();
    await eventually(
      async () => {
        const { rows } = await observer.query<{ waiting: number }>(
          `SELECT count(*)::int AS waiting FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return (rows[0]?.waiting ?? 0) > 0;
      },
      { what: 'the events wait for the row' },
    );
    await work();
    await other.query('COMMIT');
    return arriving;
  };

  it('are refused when their attempt loses its lease meanwhile', async () => {
    const { id, attempt } = await under.givenStatus('running');
    const taken = await whileHeld(
      id,
      () => under.ingest(id, attempt, [progress(1)]),
      async () => {
        await other.query(
          `UPDATE operations SET status = 'queued', version = version + 1, worker_id = NULL, lease_expires_at = NULL
           WHERE id = $1`,
          [id],
        );
        await other.query(
          `UPDATE attempts SET ended_at = clock_timestamp(), outcome = 'lease-expired' WHERE operation_id = $1`,
          [id],
        );
      },
    );
    expect(taken).toBe(-1);
    expect((await under.operations.events(id, 0, 10)).map(({ type }) => type)).not.toContain('progress');
  });

  it('are written once though two replicas have them at the same time', async () => {
    const { id, attempt } = await under.givenStatus('running');
    const batch = [progress(1), progress(2)];
    const taken = await whileHeld(
      id,
      () => Promise.all([under.ingest(id, attempt, batch), under.ingest(id, attempt, batch)]),
      () => Promise.resolve(),
    );
    expect(taken.toSorted()).toEqual([0, 2]);
    const events = await under.operations.events(id, 0, 10);
    expect(events.filter(({ type }) => type === 'progress')).toHaveLength(2);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  });
});

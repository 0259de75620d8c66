import type pg from 'pg';
import { eventually } from '../support/eventually.js';
import { givenStore, type StoreUnderTest } from '../support/given-store.js';

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
          `UPDATE attempts SET ended_at = clock_timestamp(), outcome = 'lease-expired', ended_by = 'sweeper'
           WHERE operation_id = $1`,
          [id],
        );
      },
    );
    expect(taken).toBe(-1);
    expect((await under.records.events(id, 0, 10)).map(({ type }) => type)).not.toContain('progress');
  });

  it.each([
    ['the sweeper has forced the cancel of', 'cancelling', 'cancelled', 'sweeper'],
    ['the watchdog has failed', 'running', 'fail', 'policy:watchdog'],
    ['the watchdog has paused', 'pausing', 'release', 'policy:watchdog'],
  ] as const)('are refused when %s their operation', async (_what, status, event, actor) => {
    const { id, attempt } = await under.givenStatus(status);
    expect(await under.ingest(id, attempt, [progress(1)])).toBe(1);
    const command = { operationId: id, event, actor, reason: null, expect: { attempt }, changes: {}, details: {} };
    expect((await under.operations.transition(command)).kind).toBe('applied');
    expect(await under.ingest(id, attempt, [progress(2)])).toBe(-1);
    expect((await under.records.events(id, 0, 100)).filter(({ type }) => type === 'progress')).toHaveLength(1);
  });

  it('are taken when their worker itself has reported the end meanwhile', async () => {
    const { id, attempt } = await under.givenStatus('running');
    await under.operations.transition({
      operationId: id,
      event: 'complete',
      actor: 'worker:w',
      reason: null,
      expect: { attempt },
      changes: {},
      details: {},
    });
    expect(await under.ingest(id, attempt, [progress(9)])).toBe(1);
    expect((await under.operations.get(id)).progress).toBeNull();
  });

  it.each([
    ['first', 0],
    ['later', 30],
  ])(
    'say where their attempt is though it is the %s and its start is recorded behind them',
    async (_which, trained) => {
      const { id, attempt } = await under.givenStatus('running', { withCheckpoint: true });
      const report = { steps: 50, epochs: 1, backend: null, checkpointId: null, fellBackFrom: null, details: {} };
      const leaseOf = (of: number) => ({ operationId: id, attempt: of, workerId: 'w' });
      let last = attempt;
      if (trained > 0) {
        await under.operations.recordStart(leaseOf(attempt), { ...report, step: 0, epoch: 0 });
        await under.ingest(id, attempt, [progress(trained)]);
        await under.apply(id, 'lease-expired');
        ({ attempt: last } = await under.claim(id));
      }
      const step = Math.max(0, trained - 10);
      expect(await under.ingest(id, last, [progress(step + 1), progress(step + 2)])).toBe(2);
      const started = await under.operations.recordStart(leaseOf(last), { ...report, step, epoch: 0 });
      expect(started.progress).toEqual({ step: step + 2, epoch: 0, steps: 50, epochs: 1, examplesPerSecond: null });
      expect((await under.records.events(id, 0, 100)).at(-1)).toMatchObject({
        type: 'started',
        data: { step, lost_steps: trained - step },
      });
      const claims = (await under.records.history(id)).filter(({ event }) => event === 'claim');
      expect(claims.at(-1)?.details).toEqual(
        trained > 0 ? { checkpoint_id: null, step, lost_steps: trained - step } : {},
      );
      await under.ingest(id, last, [progress(step + 3)]);
      expect((await under.operations.get(id)).progress).toMatchObject({ step: step + 3 });
    },
  );

  it('are written once though two replicas have them at the same time', async () => {
    const { id, attempt } = await under.givenStatus('running');
    const batch = [progress(1), progress(2)];
    const taken = await whileHeld(
      id,
      () => Promise.all([under.ingest(id, attempt, batch), under.ingest(id, attempt, batch)]),
      () => Promise.resolve(),
    );
    expect(taken.toSorted()).toEqual([0, 2]);
    const events = await under.records.events(id, 0, 10);
    expect(events.filter(({ type }) => type === 'progress')).toHaveLength(2);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  });
});

import { eventually } from '../support/eventually.js';
import { CHECKPOINT_ACTOR, draftOperation, givenStore, type StoreUnderTest } from '../support/given-store.js';
import { OPERATION_STATUSES, TRANSITIONS, transitionsOf, type TransitionCommand } from '@ktrdr/operations';

describe('operations in PostgreSQL', () => {
  let under: StoreUnderTest;
  beforeAll(async () => {
    under = await givenStore();
  });
  afterAll(() => under.close());

  it('stores a submission with its history and event in one piece', async () => {
    const { operation } = await under.operations.submit(draftOperation());
    expect(operation).toMatchObject({ status: 'queued', version: 1, attempt: 0, eventSeq: 1 });
    expect(await under.records.history(operation.id)).toMatchObject([
      { n: 1, event: 'submit', from: null, to: 'queued' },
    ]);
    expect(await under.records.events(operation.id, 0, 10)).toMatchObject([{ seq: 1, type: 'status' }]);
  });

  it('returns the first operation when a submission is repeated with its key', async () => {
    const first = await under.operations.submit(draftOperation({ submissionKey: 'token:key-1' }));
    const second = await under.operations.submit(draftOperation({ submissionKey: 'token:key-1' }));
    expect(second).toEqual({ operation: first.operation, isNew: false });
  });

  it('lets exactly one of a hundred concurrent callers resume', async () => {
    const operation = await under.givenStatus('failed');
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, () =>
        under.operations.transition(resume(operation.id, { version: operation.version })),
      ),
    );
    expect(outcomes.filter(({ kind }) => kind === 'applied')).toHaveLength(1);
    expect(await under.operations.get(operation.id)).toMatchObject({
      status: 'resuming',
      version: operation.version + 1,
    });
    const resumed = (await under.records.history(operation.id)).filter(({ event }) => event === 'resume');
    expect(resumed).toHaveLength(1);
  });

  it('waits for the row of a waiting operation that somebody else holds for a moment', async () => {
    const { id, pool } = await under.givenStatus('resuming');
    const other = await under.connection();
    await other.query('BEGIN');
    await other.query('SELECT 1 FROM operations WHERE id = $1 FOR UPDATE', [id]);
    const claiming = under.operations.claim({
      workerId: 'w',
      claimId: `behind-${id}`,
      pool,
      capabilities: ['type:training'],
      leaseMs: 6000,
    });
    const observer = await under.connection();
    await eventually(
      async () => {
        const { rowCount } = await observer.query(
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return rowCount === 1;
      },
      { what: 'the claim waits for the row' },
    );
    await other.query('ROLLBACK');
    expect((await claiming)?.operation).toMatchObject({ id, status: 'running', attempt: 1 });
  });

  it('gives each waiting operation to one of many workers that claim at once', async () => {
    const pool = 'claim-race';
    const drafts = Array.from({ length: 5 }, () => draftOperation({ pool }));
    for (const draft of drafts) await under.operations.submit(draft);
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        under.operations.claim({
          workerId: `w${index}`,
          claimId: `race-${index}`,
          pool,
          capabilities: ['type:training'],
          leaseMs: 6000,
        }),
      ),
    );
    const claimed = claims.flatMap((claim) => claim?.operation ?? []);
    expect(claimed.map(({ id }) => id).toSorted()).toEqual(drafts.map(({ id }) => id).toSorted());
    expect(claimed.every(({ attempt, status }) => attempt === 1 && status === 'running')).toBe(true);
  });

  it('serves by priority, then by age, and only what the worker can run', async () => {
    const pool = 'order';
    const submit = async (priority: number, requirements = ['type:training']) =>
      (await under.operations.submit(draftOperation({ pool, priority, requirements }))).operation.id;
    const first = await submit(0);
    const second = await submit(0);
    const urgent = await submit(5);
    await submit(9, ['type:training', 'backend:tfjs-node-gpu']);
    const claim = async (claimId: string) =>
      (await under.operations.claim({ workerId: 'w', claimId, pool, capabilities: ['type:training'], leaseMs: 6000 }))
        ?.operation.id;
    expect([await claim('o1'), await claim('o2'), await claim('o3'), await claim('o4')]).toEqual([
      urgent,
      first,
      second,
      undefined,
    ]);
  });

  it('answers a repeated claim with the same operation', async () => {
    const pool = 'repeat';
    await under.operations.submit(draftOperation({ pool }));
    await under.operations.submit(draftOperation({ pool }));
    const request = { workerId: 'w', claimId: 'again', pool, capabilities: ['type:training'], leaseMs: 6000 };
    const first = await under.operations.claim(request);
    const second = await under.operations.claim(request);
    expect(second?.operation.id).toBe(first?.operation.id);
    expect(second?.operation.attempt).toBe(1);
  });

  // The table itself, row by row, against the database.
  const rows = TRANSITIONS.filter(({ event, from }) => event !== 'submit' && event !== 'claim' && from !== null);
  it.each(rows.map((row) => [`${row.from} on ${row.event} (${row.condition ?? 'always'})`, row] as const))(
    'goes from %s as the table says',
    async (_name, { event, from, to, condition }) => {
      const operation = await under.givenStatus(from ?? 'queued', {
        withCheckpoint: condition === 'with-checkpoint',
        maxRecoveries: condition === 'budget-spent' ? 0 : 3,
      });
      const outcome = await under.operations.transition(command(operation.id, event as TransitionCommand['event']));
      expect(outcome).toMatchObject({
        kind: 'applied',
        from,
        operation: { status: to, version: operation.version + 1 },
      });
      const last = (await under.records.history(operation.id)).at(-1);
      expect(last).toMatchObject({ event, from, to, n: operation.version + 1 });
    },
  );

  const refusals = OPERATION_STATUSES.flatMap((status) =>
    [...new Set(rows.map(({ event }) => event))]
      .filter((event) => !transitionsOf(event).some(({ from }) => from === status))
      .map((event) => [event, status] as const),
  );
  it.each(refusals)('refuses %s of a %s operation and changes nothing', async (event, status) => {
    const operation = await under.givenStatus(status);
    const outcome = await under.operations.transition(command(operation.id, event as TransitionCommand['event']));
    expect(outcome.kind).toBe('refused');
    expect(await under.operations.get(operation.id)).toEqual(operation);
  });

  it('refuses every write of an older attempt', async () => {
    const operation = await under.givenStatus('running');
    const stale = { ...command(operation.id, 'complete'), expect: { attempt: operation.attempt - 1 } };
    expect((await under.operations.transition(stale)).kind).toBe('refused');
    await expect(
      under.checkpoints.commit(
        { operationId: operation.id, attempt: operation.attempt - 1, workerId: 'w' },
        under.checkpointDraft(operation.id),
        () => Promise.resolve(),
      ),
    ).rejects.toMatchObject({ code: 'lease-lost' });
    expect(await under.operations.get(operation.id)).toEqual(operation);
  });

  it('renews every lease that is named, at the same time and twice, and is held up by no row but its own', async () => {
    const held = await under.givenStatus('running');
    const free = await Promise.all([1, 2, 3].map(() => under.givenStatus('running')));
    const other = await under.connection();
    await other.query('BEGIN');
    await other.query('SELECT 1 FROM operations WHERE id = $1 FOR UPDATE', [held.id]);
    const renew = ({ id, attempt }: typeof held, workerId = 'w') =>
      under.operations.renewLeases(workerId, [{ operationId: id, attempt, hasMoved: false }], 60_000);
    let isHeldUp = true;
    const late = renew(held).then(() => (isHeldUp = false));
    const renewed = await Promise.all([...free, ...free].map((operation) => renew(operation)));
    expect(renewed.map(([row]) => row?.id)).toEqual([...free, ...free].map(({ id }) => id));
    expect(await renew({ ...held, id: 'op_that_is_gone' })).toEqual([]);
    expect(await renew(free[0] ?? held, 'another')).toMatchObject([{ workerId: 'w', status: 'running' }]);
    expect(isHeldUp).toBe(true);
    await other.query('COMMIT');
    await late;
    const [{ least } = { least: 0 }] = await under.sql<{ least: number }[]>`
      SELECT min(extract(epoch FROM lease_expires_at - clock_timestamp()))::float8 AS least
      FROM operations WHERE id = ANY(${[held, ...free].map(({ id }) => id)})`;
    expect(least).toBeGreaterThan(30);
  });

  it('renews a lease for each of the requests that name it at once, repeated ones and those of another attempt', async () => {
    const { id, attempt } = await under.givenStatus('running');
    const named = Array.from({ length: 20 }, (_, n) => [
      { operationId: id, attempt: n % 5 === 4 ? attempt - 1 : attempt, hasMoved: false },
    ]);
    const answers = await Promise.all(named.map((leases) => under.operations.renewLeases('w', leases, 60_000)));
    expect(answers.map((rows) => rows.map((row) => row.attempt))).toEqual(named.map(() => [attempt]));
  });

  it('takes bytes that move for a sign of progress, those of the present attempt alone', async () => {
    const { id, attempt } = await under.givenStatus('running');
    const sinceProgress = async () => {
      const [row] = await under.sql<{ seconds: number; stuck: boolean }[]>`
        SELECT extract(epoch FROM clock_timestamp() - progress_at)::float8 AS seconds, stuck_since IS NOT NULL AS stuck
        FROM operations WHERE id = ${id}`;
      return row;
    };
    await under.sql`UPDATE operations SET progress_at = now() - interval '1 hour', stuck_since = now() WHERE id = ${id}`;
    await under.operations.renewLeases('w', [{ operationId: id, attempt, hasMoved: false }], 6_000);
    await under.operations.renewLeases('w', [{ operationId: id, attempt: attempt - 1, hasMoved: true }], 6_000);
    await under.operations.renewLeases('other', [{ operationId: id, attempt, hasMoved: true }], 6_000);
    expect(await sinceProgress()).toMatchObject({ stuck: true });
    expect((await sinceProgress())?.seconds).toBeGreaterThan(3_599);
    await under.operations.renewLeases('w', [{ operationId: id, attempt, hasMoved: true }], 6_000);
    expect(await sinceProgress()).toMatchObject({ stuck: false });
    expect((await sinceProgress())?.seconds).toBeLessThan(60);
  });

  it('keeps completed as it is, whatever statement asks', async () => {
    const { id } = await under.givenStatus('completed');
    await expect(under.sql`UPDATE operations SET status = 'queued' WHERE id = ${id}`).rejects.toThrow(/never changes/);
  });

  it('knows no other status', async () => {
    const { id } = await under.givenStatus('failed');
    await expect(
      under.sql`UPDATE operations SET status = 'RUNNING', finished_at = NULL WHERE id = ${id}`,
    ).rejects.toThrow(/status_known/);
  });

  it('counts waiting, working and paused time apart', async () => {
    const { id } = await under.givenStatus('queued');
    await under.sql`UPDATE operations SET status_since = status_since - interval '10 s' WHERE id = ${id}`;
    await under.claim(id);
    await under.sql`UPDATE operations SET status_since = status_since - interval '20 s' WHERE id = ${id}`;
    await under.operations.transition(command(id, 'pause'));
    await under.operations.transition(command(id, 'paused'));
    await under.sql`UPDATE operations SET status_since = status_since - interval '40 s' WHERE id = ${id}`;
    await under.operations.transition(resume(id, {}));
    const { queuedMs, activeMs, pausedMs } = await under.operations.get(id);
    expect([queuedMs, activeMs, pausedMs].map((ms) => Math.floor(ms / 10_000))).toEqual([1, 2, 4]);
  });

  it('tells how long a claimed one has waited since it began to, not since it was first queued', async () => {
    const pool = 'timed';
    const { operation } = await under.operations.submit(draftOperation({ pool }));
    const claim = (claimId: string) =>
      under.operations.claim({
        workerId: 'w',
        claimId,
        pool,
        capabilities: ['type:training'],
        leaseMs: 6000,
      });
    const age = (seconds: number) =>
      under.sql`UPDATE operations SET status_since = status_since - ${seconds} * interval '1 s',
        queued_at = queued_at - ${seconds} * interval '1 s' WHERE id = ${operation.id}`;
    await age(100);
    const first = await claim('timed-1');
    expect(first?.waited?.from).toBe('queued');
    expect(Math.floor((first?.waited?.ms ?? 0) / 10_000)).toBe(10);
    const lease = { operationId: operation.id, attempt: 1, workerId: 'w' };
    await under.checkpoints.commit(lease, under.checkpointDraft(operation.id), () => Promise.resolve());
    await age(1_000); // it trains
    await under.apply(operation.id, 'lease-expired');
    await age(20);
    const second = await claim('timed-2');
    expect(second?.waited?.from).toBe('resuming');
    expect(Math.floor((second?.waited?.ms ?? 0) / 10_000)).toBe(2);
    expect(await claim('timed-2')).toMatchObject({ operation: { attempt: 2 }, waited: null });
  });

  it.each(['lease-expired', 'crash', 'release'] as const)(
    'tells what is lost where it begins again without a checkpoint: %s',
    async (event) => {
      const { id, attempt } = await under.givenStatus('running');
      await under.operations.recordStart(
        { operationId: id, attempt, workerId: 'w' },
        { step: 0, epoch: 0, steps: 50, epochs: 1, backend: null, checkpointId: null, fellBackFrom: null, details: {} },
      );
      await under.sql`UPDATE operations SET progress = progress || '{"step": 30}' WHERE id = ${id}`;
      await under.apply(id, event);
      expect(await under.operations.get(id)).toMatchObject({ status: 'queued', progress: { step: 0 } });
      const lost = { checkpoint_id: null, step: 0, lost_steps: 30 };
      expect((await under.records.history(id)).at(-1)).toMatchObject({ event, details: lost });
      expect((await under.records.events(id, 0, 100)).at(-1)).toMatchObject({ type: 'status', data: lost });
    },
  );

  it('says nothing of a loss where a checkpoint is left', async () => {
    const { id } = await under.givenStatus('running', { withCheckpoint: true });
    await under.sql`UPDATE operations SET progress = '{"step": 30, "epoch": 0, "steps": 50, "epochs": 1}' WHERE id = ${id}`;
    await under.apply(id, 'lease-expired');
    expect((await under.records.history(id)).at(-1)).toMatchObject({ to: 'resuming', details: {} });
  });

  it('numbers events without a gap though many write at once', async () => {
    const { id, attempt } = await under.givenStatus('running');
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        under.operations.warn({ operationId: id, attempt, workerId: 'w' }, { code: 'c', message: `${index}` }, {}),
      ),
    );
    const events = await under.records.events(id, 0, 100);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  });
});

function command(operationId: string, event: TransitionCommand['event']): TransitionCommand {
  return { operationId, event, actor: CHECKPOINT_ACTOR, reason: null, expect: {}, changes: {}, details: {} };
}

function resume(operationId: string, expect_: TransitionCommand['expect']): TransitionCommand {
  return { ...command(operationId, 'resume'), expect: expect_ };
}

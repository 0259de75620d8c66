import type pg from 'pg';
import { draftOperation, givenStore, type StoreUnderTest } from '../../support/given-store.js';
import { eventually } from '../../support/eventually.js';

/** PostgreSQL shows a statement that has waited for a row other tables as they were before: what may not decide. */
describe('a write that had to wait for its operation', () => {
  let under: StoreUnderTest;
  let other: pg.Client;

  beforeAll(async () => {
    under = await givenStore();
    other = await under.connection();
  });
  afterAll(() => under.close());

  /** Has `write` wait for the row while `other` does its work and commits. */
  const whileLocked = async <T>(id: string, write: () => Promise<T>, work: () => Promise<unknown>): Promise<T> => {
    await other.query('BEGIN');
    await other.query('UPDATE operations SET event_seq = event_seq WHERE id = $1', [id]);
    const writing = write();
    await eventually(
      async () => {
        const { rows } = await other.query(
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return rows.length > 0;
      },
      { what: 'the write waits for the row' },
    );
    await work();
    await other.query('COMMIT');
    return writing;
  };

  it.each(['release', 'lease-expired'] as const)(
    'on %s sees the checkpoint that was committed meanwhile',
    async (event) => {
      const operation = await under.givenStatus('running');
      const draft = under.checkpointDraft(operation.id);
      const outcome = await whileLocked(
        operation.id,
        () =>
          under.operations.transition({
            operationId: operation.id,
            event,
            actor: 'test',
            reason: null,
            expect: { attempt: operation.attempt },
            changes: {},
            details: {},
          }),
        () =>
          other.query(
            `INSERT INTO checkpoints (id, operation_id, attempt, seq, kind, step, epoch, created_at, manifest_key,
             manifest_sha256, bytes, files, metrics, is_best)
           VALUES ($1, $2, $3, 1, 'periodic', 5, 1, now(), $4, $5, 1, '[]', '{}', false)`,
            [draft.id, operation.id, operation.attempt, draft.manifestKey, draft.manifestSha256],
          ),
      );
      expect(outcome).toMatchObject({ kind: 'applied', operation: { status: 'resuming' } });
    },
  );

  it('claims with the checkpoint that an attempt between committed', async () => {
    const pool = 'late';
    const { operation } = await under.operations.submit(draftOperation({ pool }));
    const draft = under.checkpointDraft(operation.id);
    const claim = await whileLocked(
      operation.id,
      () =>
        under.operations.claim({
          workerId: 'w',
          claimId: 'late',
          pool,
          capabilities: ['type:training'],
          leaseMs: 6000,
        }),
      async () => {
        await other.query(
          `INSERT INTO checkpoints (id, operation_id, attempt, seq, kind, step, epoch, created_at, manifest_key,
             manifest_sha256, bytes, files, metrics, is_best)
           VALUES ($1, $2, 1, 1, 'shutdown', 5, 1, now(), $3, $4, 1, '[]', '{}', false)`,
          [draft.id, operation.id, draft.manifestKey, draft.manifestSha256],
        );
        await other.query(
          `UPDATE operations SET attempt = 1, version = version + 2, status = 'resuming' WHERE id = $1`,
          [operation.id],
        );
      },
    );
    expect(claim).toMatchObject({ operation: { attempt: 2 }, checkpoints: [{ id: draft.id }] });
  });

  it('commits a checkpoint once, though it is sent twice at the same time', async () => {
    const operation = await under.givenStatus('running');
    const lease = { operationId: operation.id, attempt: operation.attempt, workerId: 'w' };
    const draft = under.checkpointDraft(operation.id);
    const commit = () => under.checkpoints.commit(lease, draft, () => Promise.resolve());
    await Promise.all([commit(), commit(), commit()]);
    expect(await under.checkpoints.ofOperation(operation.id)).toHaveLength(1);
    expect((await under.operations.get(operation.id)).eventSeq).toBe(operation.eventSeq + 1);
  });

  it('gives a claim one operation, though it is sent many times at the same time', async () => {
    const pool = 'twins';
    for (let n = 0; n < 4; n += 1) await under.operations.submit(draftOperation({ pool }));
    for (let round = 0; round < 4; round += 1) {
      const request = { workerId: 'w', claimId: `twin-${round}`, pool, capabilities: ['type:training'], leaseMs: 6000 };
      const claims = await Promise.all(Array.from({ length: 6 }, () => under.operations.claim(request)));
      const given = await under.operations.claim(request);
      expect(given?.operation).toMatchObject({ status: 'running', attempt: 1 });
      // Whoever came while the first was not decided yet may have been given nothing, but nobody another operation.
      expect(new Set(claims.flatMap((claim) => claim?.operation.id ?? []))).toEqual(new Set([given?.operation.id]));
    }
  });

  it('tells a warning and a start once, however often they are told', async () => {
    const operation = await under.givenStatus('running');
    const lease = { operationId: operation.id, attempt: operation.attempt, workerId: 'w' };
    const start = {
      step: 7,
      epoch: 1,
      steps: 10,
      epochs: 2,
      backend: 'wasm',
      checkpointId: null,
      fellBackFrom: null,
      details: {},
    };
    const warning = { code: 'checkpoint-failed', message: 'the disk is full' };
    await Promise.all(Array.from({ length: 4 }, () => under.operations.recordStart(lease, start)));
    await Promise.all(Array.from({ length: 4 }, () => under.operations.warn(lease, warning, {})));
    const events = await under.records.events(operation.id, operation.eventSeq, 10);
    expect(events.map(({ type }) => type)).toEqual(['started', 'warning']);
    expect((await under.operations.get(operation.id)).warnings).toHaveLength(1);
  });
});

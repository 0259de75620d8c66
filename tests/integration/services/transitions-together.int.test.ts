import type { Operation, TransitionCommand, TransitionOutcome } from '@ktrdr/operations';
import { EventLog } from '@ktrdr/operations-prisma';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { numbersInOrder, upTo } from '../support/order-of-events.js';
import { draftOperation, givenStore, type StoreUnderTest } from '../support/given-store.js';

const MANY = 20;

describe('transitions that are asked for at the same time', () => {
  let under: StoreUnderTest;
  let other: pg.Client;
  let log: EventLog;
  beforeAll(async () => {
    under = await givenStore();
    other = await under.connection();
    log = new EventLog(under.database);
  });
  afterAll(() => under.close());

  const givenCancelled = async (count: number, pool = `pool-${randomUUID()}`): Promise<Operation[]> => {
    const made: Operation[] = [];
    for (let index = 0; index < count; index += 1) {
      const { operation } = await under.operations.submit(draftOperation({ pool }));
      await under.apply(operation.id, 'cancel');
      made.push(await under.operations.get(operation.id));
    }
    return made;
  };

  const resume = (
    { id, version }: Pick<Operation, 'id' | 'version'>,
    details: TransitionCommand['details'] = {},
    resumeCheckpointId: string | null = null,
  ): Promise<TransitionOutcome> =>
    under.operations.transition({
      operationId: id,
      event: 'resume',
      actor: `client:${id}`,
      reason: `why ${id}`,
      expect: { version },
      changes: { resumeCheckpointId, error: null },
      details,
    });

  const kinds = (outcomes: readonly TransitionOutcome[]) => outcomes.map(({ kind }) => kind);

  it('are carried out in few transactions, each as if it were alone', async () => {
    const operations = await givenCancelled(MANY);
    const outcomes = await Promise.all(operations.map((operation) => resume(operation, { of: operation.id })));
    const positions = outcomes.map((outcome) => (outcome.kind === 'applied' ? outcome.queuePosition : null));
    expect(positions.toSorted((a, b) => Number(a) - Number(b))).toEqual(operations.map((_, index) => index + 1));
    for (const [index, { id, version, eventSeq }] of operations.entries()) {
      expect(outcomes[index]).toMatchObject({
        kind: 'applied',
        from: 'cancelled',
        operation: { id, status: 'resuming', version: version + 1, eventSeq: eventSeq + 1 },
      });
      const told = { actor: `client:${id}`, reason: `why ${id}` };
      expect((await under.records.history(id)).at(-1)).toMatchObject({
        ...told,
        to: 'resuming',
        details: { of: id },
      });
      const [event] = await under.records.events(id, eventSeq, 10);
      expect(event).toMatchObject({ seq: eventSeq + 1, data: { ...told, of: id, event: 'resume', from: 'cancelled' } });
    }
    const ids = operations.map(({ id }) => id);
    const [counted] = await under.sql<{ transactions: number }[]>`
      SELECT count(DISTINCT txid)::int AS transactions
      FROM events WHERE operation_id = ANY(${ids}) AND data->>'event' = 'resume'`;
    expect(counted?.transactions).toBeLessThanOrEqual(3);
  });

  it('are decided one by one: what may not be is refused alone', async () => {
    const [first, stale, last] = await givenCancelled(3);
    const completed = await under.givenStatus('completed');
    if (!first || !stale || !last) throw new Error('three were made');
    const before = await under.operations.get(completed.id);
    const outcomes = await Promise.all([
      resume(first),
      resume({ ...stale, version: stale.version - 1 }),
      resume(completed),
      resume(last),
    ]);
    expect(kinds(outcomes)).toEqual(['applied', 'refused', 'refused', 'applied']);
    expect(await under.operations.get(completed.id)).toEqual(before);
    expect(await under.operations.get(stale.id)).toEqual(stale);
  });

  it('say why in the words that were given, as far as they are text', async () => {
    for (const [reason, kept] of [
      ['Grüße 🙂 "quoted" \\ \n', 'Grüße 🙂 "quoted" \\ \n'],
      ['half \ud83d of it', 'half \ufffd of it'],
      ['a \0 in it', 'a \ufffd in it'],
      ['null', 'null'],
      [null, null],
    ]) {
      const [operation] = await givenCancelled(1);
      if (!operation) throw new Error('one was made');
      const { id } = operation;
      const command = { operationId: id, event: 'resume', actor: 'test', reason: reason ?? null, expect: {} } as const;
      expect((await under.operations.transition({ ...command, changes: {}, details: {} })).kind).toBe('applied');
      expect((await under.records.history(id)).at(-1)?.reason).toBe(kept);
    }
  });

  it('of one operation succeed once', async () => {
    const [one, two] = await givenCancelled(2);
    if (!one || !two) throw new Error('two were made');
    const outcomes = await Promise.all([resume(one), resume(one), resume(two), resume(one), resume(two)]);
    expect(kinds(outcomes).filter((kind) => kind === 'applied')).toHaveLength(2);
    expect((await under.operations.get(one.id)).version).toBe(one.version + 1);
    expect((await under.operations.get(two.id)).version).toBe(two.version + 1);
  });

  it('fail alone, where PostgreSQL does not take what one of them says', async () => {
    const [first, bad, last] = await givenCancelled(3);
    if (!first || !bad || !last) throw new Error('three were made');
    const noVersion = 3_000_000_000; // the column has 32 bits
    const settled = await Promise.allSettled([resume(first), resume({ ...bad, version: noVersion }), resume(last)]);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await under.operations.get(first.id)).status).toBe('resuming');
    expect(await under.operations.get(bad.id)).toEqual(bad);
    expect((await under.operations.get(last.id)).status).toBe('resuming');
  });

  it('take half of a character, as cutting a text leaves it', async () => {
    const [operation] = await givenCancelled(1);
    if (!operation) throw new Error('one was made');
    const outcome = await under.operations.transition({
      operationId: operation.id,
      event: 'resume',
      actor: 'test',
      reason: 'cut \ud83d',
      expect: {},
      changes: {},
      details: { text: '\ud83d' },
    });
    expect(outcome.kind).toBe('applied');
    const told = { reason: 'cut \ufffd', details: { text: '\ufffd' } };
    expect((await under.records.history(operation.id)).at(-1)).toMatchObject(told);
  });

  it.each([
    ['row', 'SELECT 1 FROM operations WHERE id = $1 FOR UPDATE'],
    ['turn', 'SELECT pg_advisory_xact_lock(5877002, hashtext($1))'],
    ['checkpoint', 'SELECT 1 FROM checkpoints WHERE operation_id = $1 FOR UPDATE'],
  ])('do not wait for one whose %s somebody else holds', async (_, lock) => {
    const saved = async () => {
      const { id } = await under.givenStatus('failed', { withCheckpoint: true });
      const { operation, checkpoints } = await under.operations.getWithCheckpoints(id);
      return { ...operation, checkpointId: checkpoints[0]?.id ?? '' };
    };
    const goOn = (operation: Awaited<ReturnType<typeof saved>>) => resume(operation, {}, operation.checkpointId);
    const [held, first, last, later] = [await saved(), await saved(), await saved(), await saved()];
    await other.query('BEGIN');
    await other.query(lock, [held.id]);
    let isDecided = false;
    const waiting = goOn(held).finally(() => (isDecided = true));
    expect(kinds(await Promise.all([goOn(first), goOn(last)]))).toEqual(['applied', 'applied']);
    expect((await goOn(later)).kind).toBe('applied');
    expect(isDecided).toBe(false);
    await other.query('ROLLBACK');
    expect((await waiting).kind).toBe('applied');
  });

  it('have events in the order of their numbers, whoever writes beside them', async () => {
    const begin = await log.end();
    const operations = await givenCancelled(8);
    const apply = ({ id }: Operation, event: 'resume' | 'cancel') =>
      under.operations.transition({
        operationId: id,
        event,
        actor: 'test',
        reason: null,
        expect: {},
        changes: {},
        details: {},
      });
    for (let round = 0; round < 30; round += 1) {
      await Promise.all(
        operations.flatMap((operation) => [
          apply(operation, 'resume'),
          under.operations.prioritise(operation.id, round, 'test'),
          apply(operation, 'cancel'),
          apply(operation, 'resume'),
        ]),
      );
    }
    const ids = operations.map(({ id }) => id);
    const told = await numbersInOrder(under, begin, ids);
    for (const [id, numbers] of told) {
      const { eventSeq } = await under.operations.get(id);
      expect(numbers).toEqual(upTo(eventSeq));
      expect(eventSeq).toBeGreaterThan(30);
    }
  });
});

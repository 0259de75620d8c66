import { type EventCursor, EventLog, CheckpointGarbageStore } from '@ktrdr/operations-prisma';
import { numbersInOrder, upTo } from '../support/order-of-events.js';
import { givenStore, type StoreUnderTest } from '../support/given-store.js';

const ROUNDS = 60;

describe('the order of all events', () => {
  let under: StoreUnderTest;
  let log: EventLog;
  beforeAll(async () => {
    under = await givenStore();
    log = new EventLog(under.database);
  });
  afterAll(() => under.close());

  const numbersOf = async (id: string, begin: EventCursor) => (await numbersInOrder(under, begin, [id])).get(id) ?? [];

  it('is that of the numbers within an operation, and of numbers, not of text', async () => {
    const begin = await log.end();
    const { id, attempt, eventSeq } = await under.givenStatus('running');
    const events = Array.from({ length: 120 }, (_, n) => ({ n: n + 1, at: new Date(), type: 'log', data: {} }));
    await under.ingest(id, attempt, events);
    expect(await numbersOf(id, begin)).toEqual(upTo(eventSeq + 120));
  });

  it('holds back what was written beside an older transaction until that has ended', async () => {
    const other = await under.connection();
    try {
      const begin = await log.end();
      const first = await under.givenStatus('queued');
      await other.query('BEGIN');
      await other.query('SELECT pg_current_xact_id()');
      const second = await under.givenStatus('queued');
      const told = (await log.after(begin, 1000)).map(({ event }) => event.operationId);
      expect(told).not.toContain(second.id);
      await other.query('COMMIT');
      const both = await numbersInOrder(under, begin, [first.id, second.id]);
      expect([...both.values()]).toEqual([upTo(first.eventSeq), upTo(second.eventSeq)]);
    } finally {
      await other.query('ROLLBACK');
    }
  });

  it('is that of the numbers within an operation, whoever wants to write at the same time', async () => {
    const { operations } = under;
    const collection = new CheckpointGarbageStore(under.database);
    const begin = await log.end();
    const { id } = await under.givenStatus('pausing', { withCheckpoint: true });
    const ids = (await under.checkpoints.ofOperation(id)).map((checkpoint) => checkpoint.id);
    const apply = (event: 'pause' | 'paused' | 'resume') =>
      operations.transition({
        operationId: id,
        event,
        actor: 'test',
        reason: null,
        expect: {},
        changes: {},
        details: {},
      });
    await apply('paused');
    await apply('resume');
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all([
        ...[1, 2, 3].map((priority) => operations.prioritise(id, priority, 'test')),
        apply('pause'),
        apply('resume'),
        collection.warnOfExpiry(id, ids, 'test'),
      ]);
      await apply('resume');
      await collection.forgetExpiryWarnings([]);
    }
    const told = await numbersOf(id, begin);
    expect(told.length).toBeGreaterThan(3 * ROUNDS);
    expect(told).toEqual(upTo(told.length));
  });
});

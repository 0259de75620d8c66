import { type EventCursor, EventLog, PrismaCheckpointCollection } from '@ktrdr/operations-prisma';
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

  /** In the order of all events, read page by page. */
  const numbersOf = async (id: string, begin: EventCursor): Promise<number[]> => {
    const numbers: number[] = [];
    for (let cursor = begin; ;) {
      const page = await log.after(cursor, 50);
      numbers.push(...page.filter(({ event }) => event.operationId === id).map(({ event }) => event.seq));
      const last = page.at(-1);
      if (!last) return numbers;
      cursor = last.cursor;
    }
  };

  it('is that of the numbers within an operation, and of numbers, not of text', async () => {
    const begin = await log.end();
    const { id, attempt, eventSeq } = await under.givenStatus('running');
    const events = Array.from({ length: 120 }, (_, n) => ({ n: n + 1, at: new Date(), type: 'log', data: {} }));
    await under.ingest(id, attempt, events);
    expect(await numbersOf(id, begin)).toEqual(Array.from({ length: eventSeq + 120 }, (_, index) => index + 1));
  });

  it('is that of the numbers within an operation, whoever wants to write at the same time', async () => {
    const { operations } = under;
    const collection = new PrismaCheckpointCollection(under.database);
    const begin = await log.end();
    const { id } = await under.givenStatus('queued');
    const apply = (event: 'pause' | 'resume') =>
      operations.transition({
        operationId: id,
        event,
        actor: 'test',
        reason: null,
        expect: {},
        changes: {},
        details: {},
      });
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all([
        ...[1, 2, 3].map((priority) => operations.prioritise(id, priority, 'test')),
        apply('pause'),
        apply('resume'),
        collection.warnOfExpiry(id, 'test'),
      ]);
      await apply('resume');
    }
    const told = await numbersOf(id, begin);
    expect(told.length).toBeGreaterThan(2 * ROUNDS);
    expect(told).toEqual(told.map((_, index) => index + 1));
  });
});

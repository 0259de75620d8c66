import { type CursoredEvent, EventLog, ingest, openDatabase, PrismaOperationStore } from '@ktrdr/operations-prisma';
import { PrismaCheckpointRepository } from '@ktrdr/operations-prisma';
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { EventHub } from '../../../apps/api/src/live/event-hub.js';
import { eventually } from '../support/eventually.js';
import { draftOperation, givenStore, type StoreUnderTest } from '../support/given-store.js';

class CountingLog extends EventLog {
  reads = 0;

  override read(...asked: Parameters<EventLog['read']>): ReturnType<EventLog['read']> {
    this.reads += 1;
    return super.read(...asked);
  }
}

describe('what was recorded', () => {
  let under: StoreUnderTest;
  beforeAll(async () => {
    under = await givenStore();
  });
  afterAll(() => under.close());

  it('is told after each commit that wrote events', async () => {
    let told = 0;
    const database = openDatabase({ url: under.databaseUrl, connections: 4, onRecorded: () => (told += 1) });
    const operations = new PrismaOperationStore(database);
    const checkpoints = new PrismaCheckpointRepository(database);
    const tells = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
      const before = told;
      const result = await work();
      expect({ what, told: told > before }).toEqual({ what, told: true });
      return result;
    };
    const { operation } = await tells('a submission', () => operations.submit(draftOperation()));
    await tells('a priority', () => operations.prioritise(operation.id, 'front', 'test'));
    const asked = { workerId: 'w', claimId: randomUUID(), capabilities: ['type:training'], leaseMs: 60_000 };
    const claimed = await tells('a claim', () => operations.claim({ ...asked, pool: operation.pool }));
    const lease = { operationId: operation.id, attempt: claimed?.operation.attempt ?? 0, workerId: 'w' };
    const start = { step: 0, epoch: 0, steps: 9, epochs: 1, backend: null, checkpointId: null, fellBackFrom: null };
    await tells('a start', () => operations.recordStart(lease, { ...start, details: {} }));
    const event = { n: 1, at: new Date(), type: 'log', data: {} };
    await tells('what a worker tells', async () =>
      Promise.all(await ingest(database, [{ ...lease, events: [event] }])),
    );
    await tells('a warning', () => operations.warn(lease, { code: 'c', message: 'm' }, {}));
    const draft = under.checkpointDraft(operation.id);
    await tells('a checkpoint', () => checkpoints.commit(lease, draft, () => Promise.resolve()));
    await tells('damage', () => checkpoints.markCorrupted(draft.id, []));
    const cancel = { operationId: operation.id, event: 'cancel', actor: 'test', reason: null } as const;
    await tells('a transition', () => operations.transition({ ...cancel, expect: {}, changes: {}, details: {} }));
    const before = told;
    await operations.get(operation.id);
    expect(told).toBe(before);
    await database.$disconnect();
  });

  describe('is read by a replica', () => {
    let log: CountingLog;
    let hub: EventHub;
    const seen: CursoredEvent[] = [];
    beforeEach(() => {
      seen.splice(0);
      log = new CountingLog(under.database);
      hub = new EventHub(log, pino({ level: 'silent' }));
      hub.start();
    });
    afterEach(() => hub.stop());
    const showing = (id: string): boolean => seen.some(({ event }) => event.operationId === id);

    it('that shows it, at a hint, and by none that has no streams', async () => {
      for (let n = 0; n < 5; n += 1) hub.readOn();
      await under.givenStatus('queued');
      expect(log.reads).toBe(0);
      const unlisten = await hub.listen((batch) => seen.push(...batch));
      const { id } = await under.givenStatus('queued');
      hub.readOn();
      await eventually(() => showing(id), { what: 'it is shown' });
      unlisten();
      await eventually(
        async () => {
          const { reads } = log;
          await new Promise((resolve) => setTimeout(resolve, 1_200));
          return log.reads === reads;
        },
        { what: 'nothing is read any more' },
      );
    });

    it('after a second without any hint', async () => {
      await hub.listen((batch) => seen.push(...batch));
      const { id } = await under.givenStatus('queued');
      await eventually(() => showing(id), { what: 'it is shown' });
    });

    it('again and again while an older transaction holds it back', async () => {
      const other = await under.connection();
      await hub.listen((batch) => seen.push(...batch));
      await other.query('BEGIN');
      await other.query('SELECT pg_current_xact_id()');
      const { id } = await under.givenStatus('queued');
      hub.readOn();
      const { reads } = log;
      await eventually(() => log.reads > reads + 5, { what: 'it is read several times' });
      expect(showing(id)).toBe(false);
      await other.query('COMMIT');
      await eventually(() => showing(id), { what: 'it is shown' });
    });
  });
});

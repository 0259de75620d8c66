import type { WorkerEvent } from '@ktrdr/contracts';
import { ENDED, ingest as ingestDirectly, type IngestedEvent } from '@ktrdr/operations-prisma';
import fc from 'fast-check';
import { pino } from 'pino';
import { EventIngest } from '../../../apps/api/src/live/event-ingest.js';
import { anyEvent } from '../support/any-event.js';
import { eventually } from '../support/eventually.js';
import { givenStore, type StoreUnderTest } from '../support/given-store.js';

describe('what workers tell', () => {
  let under: StoreUnderTest;
  let ingest: EventIngest;
  let dropped = 0;
  beforeAll(async () => {
    under = await givenStore();
    ingest = new EventIngest(under.database, pino({ level: 'silent' }), () => (dropped += 1));
  });
  afterAll(() => under.close());

  it.each([
    ['holds a character that no text can hold', { type: 'log', stream: 'stdout', lines: ['a\0b'] }],
    ['holds half a character', { type: 'log', stream: 'stdout', lines: ['\ud83d'] }],
    ['has a number that no column holds', { type: 'metrics', step: 3e9, epoch: 0, values: { loss: 1 }, best: false }],
  ] as const)('and %s costs itself alone, with a warning in its place', async (_what, body) => {
    const { id, attempt, eventSeq } = await under.givenStatus('running');
    const beside = await under.givenStatus('running');
    const told = (n: number, event: WorkerEvent['body'], operation_id = id): WorkerEvent => ({
      ...{ n, operation_id, attempt, worker_id: 'w', at: new Date().toISOString() },
      body: event,
    });
    const line = (text: string): WorkerEvent['body'] => ({ type: 'log', stream: 'stdout', lines: [text] });
    const refused = body as unknown as WorkerEvent['body'];
    await ingest.take('w', [
      told(1, line('one')),
      told(2, refused),
      told(3, line('three')),
      told(1, line('beside'), beside.id),
    ]);
    const recorded = (await under.records.events(id, eventSeq, 10)).map(({ seq, type, data }) => [seq, type, data]);
    expect(recorded).toEqual([
      [eventSeq + 1, 'log', { stream: 'stdout', lines: ['one'] }],
      [eventSeq + 2, 'warning', expect.objectContaining({ code: 'event-refused' })],
      [eventSeq + 3, 'log', { stream: 'stdout', lines: ['three'] }],
    ]);
    expect((await under.records.events(beside.id, beside.eventSeq, 10)).map(({ type }) => type)).toEqual(['log']);
  });

  it('is written by one statement for all operations whose rows are free, and for the others after it', async () => {
    const operations = [await under.givenStatus('running'), await under.givenStatus('running')];
    const held = await under.givenStatus('running');
    const other = await under.connection();
    await other.query('BEGIN');
    await other.query('SELECT 1 FROM operations WHERE id = $1 FOR UPDATE', [held.id]);
    const lease = ({ id, attempt }: { id: string; attempt: number }) => ({ operationId: id, attempt, workerId: 'w' });
    const told = [held, ...operations].map((operation) => ({ ...lease(operation), events: [log(1), log(2)] }));
    const writing = ingestDirectly(under.database, told).then((counts) => Promise.all(counts));
    const written = async ({ id, eventSeq }: { id: string; eventSeq: number }): Promise<number> =>
      (await under.records.events(id, eventSeq, 10)).length;
    for (const operation of operations)
      await eventually(async () => (await written(operation)) === 2, { what: 'the free ones are written' });
    const [first, second] = await Promise.all(
      operations.map(
        async ({ id }) =>
          (
            await under.sql<{ txid: string }[]>`SELECT max(txid::text) AS txid FROM events WHERE operation_id = ${id}`
          )[0],
      ),
    );
    expect(first).toEqual(second);
    await other.query('COMMIT');
    expect(await writing).toEqual([2, 2, 2]);
    expect(await written(held)).toBe(2);
    expect(await Promise.all(await ingestDirectly(under.database, told))).toEqual([0, 0, 0]);
  });

  it('is held up by the row of one operation for that one alone, whichever worker tells it', async () => {
    const [held, free] = [await under.givenStatus('running'), await under.givenStatus('running')];
    const other = await under.connection();
    await other.query('BEGIN');
    await other.query('SELECT 1 FROM operations WHERE id = $1 FOR UPDATE', [held.id]);
    const tell = (id: string, n: number): WorkerEvent => ({
      ...{ n, operation_id: id, attempt: 1, worker_id: 'w', at: new Date().toISOString() },
      body: { type: 'log', stream: 'stdout', lines: ['x'] },
    });
    const waiting = [1, 2, 3, 4, 5].map((n) => ingest.take('w', [tell(held.id, n)]));
    for (let n = 1; n <= 5; n += 1)
      expect(await ingest.take('w', [tell(free.id, n)])).toMatchObject([{ outcome: 'recorded' }]);
    await other.query('COMMIT');
    await Promise.all(waiting);
    expect(await under.records.events(held.id, held.eventSeq, 10)).toHaveLength(5);
  });

  it('is refused of another worker than the one that holds or held the attempt, and after the next claim', async () => {
    const { id, attempt } = await under.givenStatus('running', { withCheckpoint: true });
    expect(await under.ingest(id, attempt, [log(1)], 'another')).toBe(ENDED);
    expect(await under.ingest(id, attempt, [log(1)])).toBe(1);
    const release = { operationId: id, event: 'release', actor: 'worker:w', reason: null } as const;
    await under.operations.transition({ ...release, expect: { attempt }, changes: {}, details: {} });
    expect(await under.ingest(id, attempt, [log(2)])).toBe(1);
    const claimed = await under.claim(id);
    expect(await under.ingest(id, attempt, [log(3)])).toBe(ENDED);
    expect(await under.ingest(id, claimed.attempt, [log(1)])).toBe(1);
  });

  it('is answered for each attempt: recorded, or ended', async () => {
    const [mine, lost] = [await under.givenStatus('running'), await under.givenStatus('running')];
    await under.apply(lost.id, 'lease-expired');
    const tell = ({ id, attempt }: typeof mine): WorkerEvent => ({
      ...{ n: 1, operation_id: id, attempt, worker_id: 'w', at: new Date().toISOString() },
      body: { type: 'log', stream: 'stdout', lines: ['x'] },
    });
    expect(await ingest.take('w', [tell(mine), tell(lost)])).toEqual([
      { operation_id: mine.id, attempt: 1, outcome: 'recorded' },
      { operation_id: lost.id, attempt: 1, outcome: 'ended' },
    ]);
  });

  it('is dropped, counted and named among the warnings where not even a warning can take its place', async () => {
    const { id, attempt } = await under.givenStatus('running');
    await under.sql`UPDATE operations SET event_seq = 2147483647 WHERE id = ${id}`;
    const before = dropped;
    const body = { type: 'log', stream: 'stdout', lines: ['x'] } as const;
    const at = new Date().toISOString();
    const told = [1, 2].map((n) => ({ n, operation_id: id, attempt, worker_id: 'w', at, body }));
    expect(await ingest.take('w', told)).toEqual([{ operation_id: id, attempt, outcome: 'recorded' }]);
    expect(dropped - before).toBe(2);
    const { warnings } = await under.operations.get(id);
    expect(warnings.map(({ code, message }) => [code, message.split(' could')[0]])).toEqual([
      ['event-dropped', 'Event 1 of attempt 1'],
      ['event-dropped', 'Event 2 of attempt 1'],
    ]);
    await ingest.take('w', told);
    expect((await under.operations.get(id)).warnings).toHaveLength(2);
  });

  it('stops for no event, whatever is in it: each is recorded, or dropped and named', async () => {
    const { id, attempt } = await under.givenStatus('running');
    let n = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent(id, attempt), { minLength: 1, maxLength: 8 }), async (events) => {
        n += 1;
        const sentinel = { n: 1_000_000 + n, type: 'log', stream: 'stdout', lines: ['after it'] };
        const { type, stream, lines, n: last } = sentinel;
        const at = new Date().toISOString();
        const after = { n: last, operation_id: id, attempt, worker_id: 'w', at, body: { type, stream, lines } };
        const before = dropped;
        const outcomes = await ingest.take('w', [...(JSON.parse(JSON.stringify(events)) as unknown[]), after]);
        expect(outcomes).toContainEqual({ operation_id: id, attempt, outcome: 'recorded' });
        const [{ found } = { found: 0 }] = await under.sql<{ found: number }[]>`
          SELECT count(*)::int AS found FROM events WHERE operation_id = ${id} AND worker_n = ${last}`;
        expect(found).toBe(1);
        const numbers = new Set(
          events.flatMap((event) =>
            event['operation_id'] === id && event['attempt'] === attempt && isOrdinal(event['n']) ? [event['n']] : [],
          ),
        );
        const [{ recorded } = { recorded: 0 }] = await under.sql<{ recorded: number }[]>`
          SELECT count(*)::int AS recorded FROM events WHERE operation_id = ${id} AND worker_n = ANY(${[...numbers]}::int[])`;
        expect(recorded).toBe(numbers.size);
        const unnumbered = events.filter((event) => !isOrdinal(event['n']));
        expect(dropped - before).toBeGreaterThanOrEqual(unnumbered.length > 0 ? 1 : 0);
      }),
      { numRuns: Number(process.env['KTRDR_TEST_EVENT_RUNS'] ?? 60) },
    );
  });
});

function log(n: number): IngestedEvent {
  return { n, at: new Date(), type: 'log', data: { stream: 'stdout', lines: [`${n}`] } };
}

function isOrdinal(n: unknown): n is number {
  return typeof n === 'number' && Number.isInteger(n) && n >= 1 && n <= 2_147_483_647;
}

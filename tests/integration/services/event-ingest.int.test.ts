import type { WorkerEvent } from '@ktrdr/contracts';
import { pino } from 'pino';
import { EventIngest } from '../../../apps/api/src/live/event-ingest.js';
import { givenStore, type StoreUnderTest } from '../support/given-store.js';

describe('what workers tell', () => {
  let under: StoreUnderTest;
  let ingest: EventIngest;
  beforeAll(async () => {
    under = await givenStore();
    ingest = new EventIngest(under.database, pino({ level: 'silent' }));
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
    await ingest.take([
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
});

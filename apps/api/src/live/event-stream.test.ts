import { PassThrough } from 'node:stream';
import type { EventLog, OperationRecords } from '@ktrdr/operations-prisma';
import { EventHub } from './event-hub.js';
import { EventStream } from './event-stream.js';

const END = { txid: '7', position: '1' };
const quietLog = { end: async () => END, after: async () => [], read: async () => ({ events: [], isHeldBack: false }) };

/** The hub is not started: what it passes on is not what is asked here, only who listens. */
function givenParts() {
  const listening = { count: 0 };
  const log = quietLog as unknown as EventLog;
  const hub = new EventHub(log, { error: () => undefined, warn: () => undefined } as never);
  const listen = hub.listen.bind(hub);
  hub.listen = async (listener) => {
    const unlisten = await listen(listener);
    listening.count += 1;
    return () => {
      listening.count -= 1;
      unlisten();
    };
  };
  const records = { events: async () => [] } as unknown as OperationRecords;
  return { listening, parts: { hub, log, records } };
}

describe('a live stream', () => {
  it.each([
    ['of one operation', (stream: EventStream, parts: Parts) => stream.followOperation(parts, 'op_1', 0, {})],
    ['of everything', (stream: EventStream, parts: Parts) => stream.followAll(parts, END)],
  ])(
    '%s ends when its client leaves, and one whose client had left before it began ends at once',
    async (_, follow) => {
      const { listening, parts } = givenParts();
      const present = new PassThrough();
      const following = follow(new EventStream(present), parts);
      await until(() => listening.count === 1);
      present.destroy();
      await following;
      expect(listening.count).toBe(0);

      const gone = new PassThrough();
      gone.destroy();
      await new Promise((resolve) => gone.once('close', resolve));
      await follow(new EventStream(gone), parts);
      expect(listening.count).toBe(0);
    },
    5_000,
  );
});

type Parts = ReturnType<typeof givenParts>['parts'];

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

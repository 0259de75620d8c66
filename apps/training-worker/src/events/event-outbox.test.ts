import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkerEvent } from '@ktrdr/contracts';
import { RpcError, RpcUnavailableError } from '@ktrdr/messaging-nats';
import { pino } from 'pino';
import { EventOutbox } from './event-outbox.js';
import { EventSpool, type SpoolLimits } from './event-spool.js';
import { parseQueued, toQueued } from './queued-event.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-outbox-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Type = WorkerEvent['body']['type'];

function event(n: number, type: Type = 'warning', operation = 'op_a'): WorkerEvent {
  const bodies = {
    log: { type: 'log', stream: 'stdout', lines: ['x'] },
    warning: { type: 'warning', code: 'c', message: 'm' },
    metrics: { type: 'metrics', step: n, epoch: 0, values: { loss: 1 }, best: false },
  } as const;
  const body = bodies[type as keyof typeof bodies] as WorkerEvent['body'];
  return { n, operation_id: operation, attempt: 1, worker_id: 'w1', at: '2026-11-22T10:15:00.000Z', body };
}

/** An API that records what it is sent, unless it is away; `answer` can have another answer. */
class InMemoryChannel {
  readonly batches: WorkerEvent[][] = [];
  isAway = false;
  maxBytes = 1_000_000;
  answer: (events: readonly WorkerEvent[]) => 'recorded' | 'ended' = () => 'recorded';

  call(_method: string, request: unknown): Promise<never> {
    if (this.isAway) return Promise.reject(new RpcUnavailableError('events', 'not connected'));
    const events = (request as { events: WorkerEvent[] }).events;
    try {
      const outcome = this.answer(events);
      this.batches.push(events);
      const operations = events.map(({ operation_id, attempt }) => ({ operation_id, attempt, outcome }));
      return Promise.resolve({ operations } as never);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** Numbers as they were recorded, each once. */
  get recorded(): number[] {
    return [...new Set(this.batches.flat().map(({ n }) => n))];
  }
}

const lives: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of lives.splice(0)) await end();
});

/** One life of a worker's outbox. */
function given({
  memoryBytes = 2_000,
  confirmLease = () => Promise.resolve(),
  ...limits
}: Partial<SpoolLimits> & { memoryBytes?: number; confirmLease?: () => Promise<void> } = {}) {
  const channel = new InMemoryChannel();
  const log = pino({ level: 'silent' });
  const small = { writeBytes: 400, refusedBytes: 1_000_000, segmentBytes: 1_000, diskBytes: 1_000_000, ...limits };
  const spool = new EventSpool(join(folder, 'events'), log, small);
  const outbox = new EventOutbox(channel as never, 'w1', spool, () => confirmLease(), log, memoryBytes);
  const ending = new AbortController();
  const running = outbox.run(ending.signal);
  const end = async (): Promise<void> => {
    ending.abort();
    await running;
  };
  lives.push(end);
  return { channel, outbox, end };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('The condition was not met in time');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const filesOnDisk = async (): Promise<number> => (await readdir(join(folder, 'events')).catch(() => [])).length;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('the outbox of events', () => {
  it('delivers in order what memory and disk hold, and then leaves nothing on disk', async () => {
    const { channel, outbox } = given();
    channel.isAway = true;
    for (const n of numbers(60)) outbox.enqueue(event(n));
    await until(async () => (await filesOnDisk()) > 2);
    channel.isAway = false;
    await outbox.drain(20_000);
    expect(channel.recorded).toEqual(numbers(60));
    await until(async () => (await filesOnDisk()) === 0);
  });

  it('gathers for a moment, begins with 16 events and doubles, and cuts a batch at half of what a message takes', async () => {
    const { channel, outbox } = given({ memoryBytes: 10_000_000 });
    for (const n of numbers(900)) outbox.enqueue(event(n));
    await outbox.drain(20_000);
    expect(channel.batches.map(({ length }) => length)).toEqual([16, 32, 64, 128, 256, 256, 148]);
    channel.maxBytes = 8 * toQueued(event(1_000)).bytes;
    for (let n = 1_001; n <= 1_010; n += 1) outbox.enqueue(event(n));
    await outbox.drain(20_000);
    expect(channel.batches.slice(7).map(({ length }) => length)).toEqual([4, 4, 2]);
  });

  it('repeats a batch that was not answered as it was', async () => {
    const { channel, outbox } = given();
    const asked: number[][] = [];
    channel.answer = (events) => {
      asked.push(events.map(({ n }) => n));
      if (asked.length === 1) {
        outbox.enqueue(event(3));
        throw new RpcUnavailableError('events', 'nothing within 5000 ms');
      }
      return 'recorded';
    };
    outbox.enqueue(event(1));
    outbox.enqueue(event(2));
    await until(() => channel.recorded.length === 3);
    expect(asked).toEqual([[1, 2], [1, 2], [3]]);
  });

  it('comes back with little after busy and after a reconnect', async () => {
    const { channel, outbox } = given({ memoryBytes: 10_000_000 });
    const asked: number[] = [];
    channel.answer = (events) => {
      asked.push(events.length);
      if (asked.length === 4) throw new RpcError('busy', 'a moment');
      return 'recorded';
    };
    for (const n of numbers(400)) outbox.enqueue(event(n));
    await outbox.drain(20_000);
    expect(asked).toEqual([16, 32, 64, 128, 16, 32, 64, 128, 48]);
    expect(channel.recorded).toEqual(numbers(400));
  });

  it('has what an attempt told recorded before a report of it, and waits no longer than it may', async () => {
    const { channel, outbox } = given();
    outbox.enqueue(event(1));
    outbox.enqueue(event(2, 'log', 'op_b'));
    await outbox.flush({ operationId: 'op_a', attempt: 1 }, 20_000);
    expect(channel.recorded).toContain(1);
    channel.isAway = true;
    outbox.enqueue(event(3));
    await outbox.flush({ operationId: 'op_a', attempt: 1 }, 20);
    await outbox.flush({ operationId: 'op_c', attempt: 1 }, 20_000);
    expect(channel.recorded).not.toContain(3);
  });

  it('leaves what it could not deliver to the next life, in order', async () => {
    const { channel, outbox, end } = given();
    channel.isAway = true;
    for (const n of numbers(30)) outbox.enqueue(event(n));
    await end();
    const next = given();
    await until(() => next.channel.recorded.length === 30);
    next.outbox.enqueue(event(31));
    await until(() => next.channel.recorded.length === 31);
    expect(next.channel.recorded).toEqual(numbers(31));
  });

  it('delivers again, after a crash, the file whose delivery was not complete', async () => {
    const first = given();
    first.channel.isAway = true;
    for (const n of numbers(30)) first.outbox.enqueue(event(n));
    await until(async () => (await filesOnDisk()) > 1);
    const second = given(); // the first one just stops being heard, as a process that is killed
    await until(() => second.channel.recorded.length > 10);
    const missing = numbers(30).filter((n) => !second.channel.recorded.includes(n));
    expect(missing.every((n) => n <= 12 || n > 20)).toBe(true); // only what was in the memory of the first
  });

  it('forgets what an attempt had to tell when its lease is lost, or the API says that it has ended', async () => {
    const { channel, outbox } = given();
    channel.isAway = true;
    for (const n of numbers(40)) outbox.enqueue(event(n));
    outbox.purge({ operationId: 'op_a', attempt: 1 });
    outbox.enqueue({ ...event(1), attempt: 2 });
    outbox.enqueue(event(2, 'log', 'op_b'));
    channel.answer = (events) => (events.some(({ operation_id }) => operation_id === 'op_b') ? 'ended' : 'recorded');
    channel.isAway = false;
    await outbox.drain(20_000);
    outbox.enqueue(event(3, 'log', 'op_b'));
    outbox.enqueue({ ...event(7), operation_id: 'op_c' });
    await outbox.drain(20_000);
    expect(channel.batches.flat().map(({ operation_id, attempt, n }) => [operation_id, attempt, n])).toEqual([
      ['op_a', 2, 1],
      ['op_b', 1, 2],
      ['op_c', 1, 7],
    ]);
  });

  it('asks whether the lease still stands before it tells anything, and tells nothing of one that was lost', async () => {
    const asked = Promise.withResolvers<void>();
    const { channel, outbox } = given({ confirmLease: () => asked.promise });
    outbox.enqueue(event(1));
    outbox.enqueue(event(2, 'log', 'op_b'));
    await outbox.flush({ operationId: 'op_a', attempt: 1 }, 100);
    expect(channel.batches).toEqual([]);
    outbox.purge({ operationId: 'op_a', attempt: 1 });
    asked.resolve();
    await outbox.drain(20_000);
    expect(channel.recorded).toEqual([2]);
  });

  it('goes on behind a line that was cut', async () => {
    const first = given();
    first.channel.isAway = true;
    for (const n of numbers(3)) first.outbox.enqueue(event(n));
    await first.end();
    const [name = ''] = await readdir(join(folder, 'events'));
    const bytes = Buffer.byteLength(toQueued(event(1)).line) + 1;
    await truncate(join(folder, 'events', name), 3 * bytes - 10);
    const second = given();
    await until(() => second.channel.recorded.length === 2);
    expect(second.channel.recorded).toEqual([1, 2]);
  });

  it('keeps in memory, in order, what a disk does not take, leaves progress and logs out beyond its bound, and says so', async () => {
    await rm(folder, { recursive: true, force: true });
    await writeFile(folder, 'a file where a folder should be');
    const { channel, outbox } = given({ refusedBytes: 4_000 });
    channel.isAway = true;
    for (const n of numbers(12)) outbox.enqueue(event(n));
    await until(async () => (await outbox.flush({ operationId: 'op_a', attempt: 1 }, 5), true));
    for (let n = 13; n <= 30; n += 1) outbox.enqueue(event(n, n % 3 === 0 ? 'warning' : 'log'));
    channel.isAway = false;
    await until(() => channel.recorded.includes(30));
    const codes = channel.batches.flat().flatMap(({ body }) => (body.type === 'warning' ? [body.code] : []));
    expect(codes).toContain('events-left-out');
    const kept = channel.recorded;
    expect(kept).toEqual(kept.toSorted((a, b) => a - b));
    expect(numbers(30).filter((n) => n <= 12 || n % 3 === 0)).toEqual(kept.filter((n) => n <= 12 || n % 3 === 0));
  });

  it('thins a full disk: logs first, then metrics, no warning, and operations alike', async () => {
    const { channel, outbox } = given({ memoryBytes: 0, diskBytes: 40_000 });
    channel.isAway = true;
    let n = 0;
    for (let turn = 0; turn < 300; turn += 1) {
      outbox.enqueue(event((n += 1), 'log', 'op_chatty'));
      if (turn % 3 === 0) outbox.enqueue(event((n += 1), 'metrics', 'op_chatty'));
      if (turn % 10 === 0) outbox.enqueue(event((n += 1), 'log', 'op_quiet'));
      if (turn % 30 === 0) outbox.enqueue(event((n += 1), 'warning', 'op_chatty'));
    }
    await outbox.flush({ operationId: 'op_chatty', attempt: 1 }, 200);
    channel.isAway = false;
    await outbox.drain(20_000);
    const told = channel.batches.flat();
    const count = (type: Type, operation: string): number =>
      told.filter(({ body, operation_id }) => body.type === type && operation_id === operation).length;
    expect(told.filter(({ body }) => body.type === 'warning' && body.code === 'c')).toHaveLength(10);
    expect(count('metrics', 'op_chatty')).toBe(100);
    expect(count('log', 'op_quiet')).toBeGreaterThan(10);
    expect(count('log', 'op_chatty')).toBeLessThan(150);
    expect(
      told.filter(({ body }) => body.type === 'warning' && body.code === 'events-left-out').length,
    ).toBeGreaterThan(0);
  });

  it('ends for nothing that its channel or its disk do', async () => {
    const { channel, outbox } = given();
    let faults = 6;
    channel.answer = (events) => {
      faults -= 1;
      if (faults === 5) throw new Error('a fault of no kind that is known');
      if (faults === 4) throw new RpcError('request-invalid', 'not as agreed');
      if (events.some(({ n }) => n === 2)) throw new RpcError('request-invalid', 'this one is not as agreed');
      return 'recorded';
    };
    for (const n of numbers(4)) outbox.enqueue(event(n));
    await until(() => channel.recorded.length === 3);
    expect(channel.recorded).toEqual([1, 3, 4]);
  });
});

it('reads from a line what its event says of itself', () => {
  const told = toQueued(event(7, 'metrics', 'op_x'));
  expect(parseQueued(told.line)).toEqual(told);
  expect(parseQueued(told.line.slice(0, -3))).toBeNull();
});

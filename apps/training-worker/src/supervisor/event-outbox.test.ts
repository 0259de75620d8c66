import { mkdtemp, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkerEvent } from '@ktrdr/contracts';
import { pino } from 'pino';
import { EventOutbox, type OutboxLimits } from './event-outbox.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-outbox-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function event(n: number, type: 'warning' | 'log' = 'warning'): WorkerEvent {
  const body: WorkerEvent['body'] =
    type === 'log' ? { type, stream: 'stdout', lines: ['x'] } : { type, code: 'c', message: 'm' };
  return { n, operation_id: 'op_a', attempt: 1, worker_id: 'w1', at: '2026-11-22T10:15:00.000Z', body };
}

function given(limits: Partial<OutboxLimits> = {}, { failures = 0, file = join(folder, 'e') } = {}) {
  const sent: number[] = [];
  const connection = { failures };
  const sender = {
    publish: ({ n }: WorkerEvent) => {
      connection.failures -= 1;
      if (connection.failures >= 0) return Promise.reject(new Error('not connected'));
      sent.push(n);
      return Promise.resolve();
    },
  };
  const all = { inMemory: 2, fileBytes: 10_000, reserveBytes: 10_000, ...limits };
  const outbox = new EventOutbox(sender, () => Promise.resolve(), file, pino({ level: 'silent' }), all);
  const end = new AbortController();
  const running = outbox.run(end.signal);
  const finish = async (): Promise<number[]> => {
    await outbox.flush(5_000);
    end.abort();
    await running;
    return sent;
  };
  return { outbox, sent, connection, finish };
}

async function untilFileHas(bytes: number): Promise<void> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    const size = (await stat(join(folder, 'e')).catch(() => null))?.size ?? 0;
    if (size === bytes) return;
    if (performance.now() > deadline) throw new Error(`The file has ${size} bytes, not ${bytes}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const many = Array.from({ length: 20 }, (_, i) => i + 1);
const BYTES = Buffer.byteLength(`${JSON.stringify(event(1))}\n`);

it('sends in order what memory and file hold, after failures too', async () => {
  const { outbox, finish } = given({}, { failures: 2 });
  for (const n of many) outbox.enqueue(event(n));
  expect(await finish()).toEqual(many);
});

it('drops logs when memory and file are full, but neither metrics nor warnings', async () => {
  const { outbox, finish } = given({ inMemory: 1, fileBytes: 1 });
  for (let n = 1; n <= 4; n += 1) outbox.enqueue(event(n));
  outbox.enqueue(event(5, 'log'));
  outbox.enqueue(event(6));
  expect(await finish()).toEqual([1, 2, 3, 4, 6]);
});

it('never holds more than the file and the reserve', async () => {
  const { outbox, finish } = given({ inMemory: 1, fileBytes: 1, reserveBytes: 3 * BYTES }, { failures: 1 });
  for (const n of many.slice(0, 9)) outbox.enqueue(event(n));
  expect(await finish()).toEqual([1, 2, 3, 4]);
});

it('keeps the file within its limit over several writes while nobody takes anything', async () => {
  const { outbox, connection, finish } = given({ fileBytes: 5 * BYTES, reserveBytes: 0 }, { failures: Infinity });
  for (const n of many.slice(0, 5)) outbox.enqueue(event(n % 10)); // all of one length
  await untilFileHas(3 * BYTES);
  for (const n of many.slice(5)) outbox.enqueue(event(n % 10));
  await untilFileHas(5 * BYTES);
  connection.failures = 0;
  expect(await finish()).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

it('keeps in memory, in order, what a disk does not take', async () => {
  const { outbox, finish } = given({}, { failures: 2, file: join(folder, 'no', 'such', 'folder') });
  for (const n of many) outbox.enqueue(event(n));
  expect(await finish()).toEqual(many);
});

it('goes on behind a line that was cut', async () => {
  const { outbox, connection, finish } = given({}, { failures: Infinity });
  for (const n of many.slice(0, 5)) outbox.enqueue(event(n));
  await untilFileHas(3 * BYTES);
  await truncate(join(folder, 'e'), 3 * BYTES - 10);
  connection.failures = 0;
  expect(await finish()).toEqual([1, 2, 3, 4]);
});

it('forgets what an attempt had to tell when its lease is lost', async () => {
  const { outbox, finish } = given();
  for (let n = 1; n <= 5; n += 1) outbox.enqueue(event(n));
  outbox.purge({ operationId: 'op_a', attempt: 1 });
  outbox.enqueue({ ...event(1), attempt: 2 });
  expect(await finish()).toEqual([1]);
});

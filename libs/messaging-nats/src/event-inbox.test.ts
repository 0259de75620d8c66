import type { WorkerEvent } from '@ktrdr/contracts';
import type { JsMsg } from '@nats-io/jetstream';
import { EventInbox, type Received } from './event-inbox.js';

const body = { type: 'warning', code: 'c', message: 'm' } as const;
const event = (n: number): WorkerEvent => ({ n, operation_id: 'op', attempt: 1, worker_id: 'w', at: '', body });
const received = (n: number): Received => ({ message: { seq: n } as JsMsg, event: event(n) });
const numbers = (batch: readonly Received[]): number[] => batch.map(({ event: { n } }) => n);

it('hands over a full batch at once', async () => {
  const inbox = new EventInbox();
  [1, 2, 3].forEach((n) => inbox.add(received(n)));
  expect(numbers(await inbox.take({ maxBatch: 2, maxWaitMs: 60_000 }))).toEqual([1, 2]);
});

it('hands over what there is when the first has waited long enough', async () => {
  const inbox = new EventInbox();
  const batch = inbox.take({ maxBatch: 10, maxWaitMs: 5 });
  inbox.add(received(1));
  expect(numbers(await batch)).toEqual([1]);
});

it('holds a batch until it is settled', async () => {
  const inbox = new EventInbox();
  [1, 2].forEach((n) => inbox.add(received(n)));
  const batch = await inbox.take({ maxBatch: 1, maxWaitMs: 5 });
  expect(numbers(inbox.held())).toEqual([1, 2]);
  inbox.settled(batch);
  expect(numbers(inbox.held())).toEqual([2]);
});

it('hands over what is left after it was closed, then nothing, or the reason', async () => {
  const inbox = new EventInbox();
  inbox.add(received(1));
  inbox.close(new Error('the stream is gone'));
  const limits = { maxBatch: 10, maxWaitMs: 60_000 };
  expect(numbers(await inbox.take(limits))).toEqual([1]);
  await expect(inbox.take(limits)).rejects.toThrow('the stream is gone');
});

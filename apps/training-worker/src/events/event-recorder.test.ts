import { EventRecorder } from './event-recorder.js';
import { InMemoryEvents } from '../testing/in-memory-ports.js';

const LEASE = { operationId: 'op_a', attempt: 2 };

function given() {
  const events = new InMemoryEvents();
  const recorder = new EventRecorder(events, LEASE, 'w1', () => new Date(0));
  const progress = (step: number) =>
    recorder.recordProgress({
      type: 'progress',
      step,
      epoch: 0,
      steps: 9,
      epochs: 1,
      loss: 1,
      examples_per_second: null,
    });
  return {
    events,
    recorder,
    progress,
    told: () => events.events.map(({ n, body }) => [n, 'step' in body ? body.step : body.type]),
  };
}

it('tells the first progress at once and of what follows quickly only the newest', () => {
  const { recorder, progress, told } = given();
  [1, 2, 3, 4].forEach(progress);
  recorder.close();
  expect(told()).toEqual([
    [1, 1],
    [2, 4],
  ]);
});

it('keeps the order: what waits is told before what cannot wait', () => {
  const { recorder, progress, told } = given();
  [1, 2].forEach(progress);
  recorder.recordLog('stdout', 'hello');
  recorder.record({ type: 'metrics', step: 3, epoch: 1, values: {}, best: false });
  recorder.close();
  expect(told()).toEqual([
    [1, 1],
    [2, 'log'],
    [3, 2],
    [4, 3],
  ]);
});

it('puts lines of one stream together and says how many it left out', () => {
  const { events, recorder } = given();
  recorder.recordLog('stderr', 'one');
  for (let i = 0; i < 600; i += 1) recorder.recordLog('stdout', `line ${i}`);
  recorder.close();
  const logs = events.events.map(({ body }) => body).filter((body) => body.type === 'log');
  expect(logs[0]).toEqual({ type: 'log', stream: 'stderr', lines: ['one'] });
  expect(logs.at(-1)?.lines.at(-1)).toBe('(101 lines left out: they came too fast)');
});

it('tells nothing after it was abandoned', () => {
  const { recorder, progress, told } = given();
  recorder.abandon();
  progress(1);
  expect(told()).toEqual([]);
});

it('cuts a line between characters, and has U+FFFD in place of what no text can hold', () => {
  const { events, recorder } = given();
  recorder.recordLog('stdout', `${'x'.repeat(1_999)}🙂`);
  recorder.recordLog('stdout', 'a\0b');
  recorder.close();
  expect(events.events.map(({ body }) => body)).toEqual([
    { type: 'log', stream: 'stdout', lines: [`${'x'.repeat(1_999)}\ufffd`, 'a\ufffdb'] },
  ]);
});

it('keeps each event of lines far below what a message may have, and tells all of them', () => {
  const { events, recorder } = given();
  const lines = Array.from({ length: 400 }, (_, n) => `${n} ${'\x01'.repeat(3_000)}`);
  for (const line of lines) recorder.recordLog('stdout', line);
  recorder.recordLog('stderr', 'one more');
  recorder.close();
  const bodies = events.events.map(({ body }) => body).filter((body) => body.type === 'log');
  expect(bodies.flatMap((body) => body.lines)).toEqual([...lines.map((line) => line.slice(0, 2_000)), 'one more']);
  expect(Math.max(...events.events.map((event) => JSON.stringify(event).length))).toBeLessThan(256 * 1024);
});

import { join } from 'node:path';
import { eventually } from './support/eventually.js';
import { GivenWorker } from './support/given-worker.js';
import { childrenOf, isAlive } from './support/process-tree.js';

const COUNTING = [process.execPath, join(import.meta.dirname, 'support/fixtures/counting-trainer.mjs')];
const ENDLESS = { steps: 100_000, steps_per_epoch: 1_000, step_ms: 5 };

/** By then the heartbeats that go on have been sent by a worker whose trainer says nothing. */
const BEATS = 4;

describe('a worker that is killed', () => {
  let worker: GivenWorker;
  afterEach(() => worker.close());

  it.each([
    ['trains', {}, null],
    ['spins in a loop that never yields', { spin_at: 30 }, null],
    ['waits for ever', { idle_at: 30 }, null],
    ['was stopped by the system', {}, 'SIGSTOP'],
  ] as const)('takes a trainer with it that %s', async (_what, behaviour, signal) => {
    worker = await GivenWorker.open({ ...ENDLESS, ...behaviour });
    const { api } = worker;
    worker.start({ KTRDR_TRAINER_COMMAND: JSON.stringify(COUNTING) });
    await worker.sees(() => api.steps().some((step) => step >= 29), 'some steps');
    const [trainer = 0] = await childrenOf(worker.pid); // the oldest; the next one is kept warm
    if (signal) process.kill(trainer, signal);
    const beats = api.callsOf('heartbeat').length;
    await worker.sees(() => api.callsOf('heartbeat').length >= beats + BEATS, 'it is alive all the same');
    expect(await isAlive(trainer)).toBe(true);
    const trainers = await childrenOf(worker.pid);
    process.kill(worker.pid, 'SIGKILL');
    await eventually(async () => (await Promise.all(trainers.map(isAlive))).every((alive) => !alive), {
      what: 'its trainers are gone',
      deadlineMs: 2_000,
    });
  });
});

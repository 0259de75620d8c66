import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Nkey } from '@ktrdr/messaging-nats';
import { GivenWorker } from './support/given-worker.js';

const TRAINER = join(import.meta.dirname, 'support/fixtures/counting-trainer.mjs');
const COUNTS = { KTRDR_TRAINER_COMMAND: JSON.stringify([process.execPath, TRAINER]) };
const STEPS = 400;
/** Of credentials; a worker renews them at two thirds. */
const LIFETIME_SECONDS = 3;

/** What counting without any interruption gives. */
function expectedValue(): number {
  let value = 1;
  for (let step = 1; step <= STEPS; step += 1) value = (value * 31 + step * 7 + 1) % 1_000_003;
  return value;
}

describe('a worker and its credentials', () => {
  let given: GivenWorker;
  beforeEach(async () => {
    given = await GivenWorker.open({ steps: STEPS, steps_per_epoch: 20, step_ms: 20 });
  });
  afterEach(() => given.close());

  const isTrainedInOneAttempt = (): void => {
    expect(given.api.callsOf('completed').at(-1)?.result).toEqual({ value: expectedValue() });
    expect(given.api.attempt).toBe(1);
  };

  it('waits for the API, enrols once, and is the same worker in its next life without a token', async () => {
    given.credentials.isAway = true;
    given.start(COUNTS);
    await given.sees(() => given.output.includes('waiting for credentials'), 'it waits');
    given.credentials.isAway = false;
    await given.sees(() => given.api.callsOf('register').length > 0, 'it registers');
    const key = join(given.folder, 'w1', 'identity.nk');
    expect((await stat(key)).mode & 0o777).toBe(0o600);
    process.kill(given.pid, 'SIGTERM');
    await given.ended();
    given.start({ ...COUNTS, KTRDR_ENROL_TOKEN: '', KTRDR_WORKER_ID: '', KTRDR_WORKER_DIR: join(given.folder, 'w1') });
    await given.sees(() => given.api.callsOf('register').length > 1, 'it registers again');
    expect(given.api.callsOf('register').map(({ worker_id }) => worker_id)).toEqual(['w1', 'w1']);
    expect(given.credentials.issued.map(({ how }) => how)).toEqual(['enrolled', 'renewed']);
    expect(given.output).not.toContain(Nkey.fromSeed('user', await readFile(key, 'utf8')).seed);
    expect(given.output).not.toContain(given.credentials.token);
  });

  it('renews them while it trains, and loses neither its lease nor a step', async () => {
    given.credentials.lifetimeSeconds = LIFETIME_SECONDS;
    given.api.offer();
    given.start(COUNTS);
    await given.sees(() => given.api.status === 'completed', 'it completes');
    isTrainedInOneAttempt();
    expect(given.credentials.issued.filter(({ how }) => how === 'renewed').length).toBeGreaterThanOrEqual(2);
    expect(given.output).not.toContain('lease lost');
  });

  it('comes back by itself after an outage of the API in which they ran out', async () => {
    given.credentials.lifetimeSeconds = LIFETIME_SECONDS;
    given.api.offer();
    given.start(COUNTS);
    await given.sees(() => given.api.steps().length > 0, 'it trains');
    given.credentials.isAway = true;
    await given.sees(() => /"kind":"refused"/.test(given.output), 'NATS refuses what has run out');
    given.credentials.isAway = false;
    await given.sees(() => given.api.status === 'completed', 'it completes');
    isTrainedInOneAttempt();
  });

  it('ends when its key is revoked, and says what to do', async () => {
    given.credentials.lifetimeSeconds = LIFETIME_SECONDS;
    given.start(COUNTS);
    await given.sees(() => given.api.callsOf('heartbeat').length > 1, 'it works');
    given.credentials.refusal = {
      status: 401,
      code: 'worker-revoked',
      detail: 'The key is revoked; remove identity.nk',
    };
    expect(await given.ended()).toBe(1);
    expect(given.output).toContain('The key is revoked; remove identity.nk');
  });

  it.each([
    [401, 'enrolment-refused', 'The enrolment token is refused: it has no uses left'],
    [409, 'worker-id-taken', 'Another key is the worker w1'],
    [401, 'clock-off', 'The clock of the worker says something else'],
  ])('does not start where the API answers %i %s, and tells why', async (status, code, detail) => {
    given.credentials.refusal = { status, code, detail };
    given.start(COUNTS);
    expect(await given.ended()).toBe(1);
    expect(given.output).toContain(detail);
  });

  it('does not start without a token where its key is not known, and says how to get one', async () => {
    given.start({ ...COUNTS, KTRDR_ENROL_TOKEN: '' });
    expect(await given.ended()).toBe(1);
    expect(given.output).toContain('ktrdr workers enrol');
  });

  it('does not start with a token file that is not there, or with a damaged key', async () => {
    given.start({ ...COUNTS, KTRDR_ENROL_TOKEN: '', KTRDR_ENROL_TOKEN_FILE: join(given.folder, 'nowhere') });
    expect(await given.ended()).toBe(1);
    expect(given.output).toContain('KTRDR_ENROL_TOKEN_FILE');
    await rm(join(given.folder, 'w1', 'identity.nk'));
    await writeFile(join(given.folder, 'w1', 'identity.nk'), 'SUADAMAGED');
    given.start(COUNTS);
    expect(await given.ended()).toBe(1);
    expect(given.output).toContain('holds no key of a worker');
    expect(given.output).not.toContain('SUADAMAGED');
  });
});

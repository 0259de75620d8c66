import type pg from 'pg';
import { ktrdr } from './support/command-line.js';
import { eventuallySeen } from './support/eventually.js';
import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { type RunningApi, type RunningWorker, startApi, startWorker } from './support/processes.js';
import { SHORT_LEASE } from './support/short-lease.js';
import { smallSpec } from './support/specs.js';
import { type StoredCheckpoint, storedFilesIn } from './support/stored-files.js';
import { trainingOver } from './support/training.js';
import { sweepBeforehand } from './support/upkeep.js';

const EPOCHS = 16;
/** Over a mebibyte of optimizer state, so that a quick verification looks at its size only. */
const LARGE = {
  epochs: 4,
  checkpoint: { every_steps: 10, keep_last: 100 },
  model: {
    layers: [
      { kind: 'dense', units: 256 },
      { kind: 'dense', units: 560 },
    ],
  },
  batch_size: 256,
};
/** One checkpoint a few steps, and none thrown away while a test looks at them. */
const OFTEN = { checkpoint: { every_steps: 20, keep_last: 100 } };

describe('a damaged checkpoint', () => {
  let services: Services;
  let database: pg.Client;
  let stored: ReturnType<typeof storedFilesIn>;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  let worker: RunningWorker;
  let workers = 0;
  let uninterrupted: { small: string; large: string };

  const oneMoreWorker = async () => {
    workers += 1;
    worker = await startWorker(services, { api, id: `w${workers}` });
  };
  const submit = (name: string, overrides: Record<string, unknown> = {}) =>
    training.submit({ name, spec: smallSpec({ epochs: EPOCHS, ...OFTEN, ...overrides }) });
  const checkpointsOf = async (id: string) =>
    (await http.get(`/operations/${id}/checkpoints`)).body['items'] as StoredCheckpoint[];

  /** Steps may be faster than uploads. */
  const committed = (id: string, atLeast: number) =>
    eventuallySeen(
      () => checkpointsOf(id),
      ({ length }) => length >= atLeast,
      { what: `${atLeast} checkpoints are committed` },
    );
  /** Ends the worker and waits until nothing that it sent can count any more; its checkpoints, newest first. */
  const givenDeadWorker = async (id: string) => {
    await worker.kill();
    await training.until(id, ({ status }) => status === 'resuming', 'its lease is over');
    return checkpointsOf(id);
  };

  /** A cancelled operation, and its checkpoints newest first. */
  const givenCancelled = async (
    name: string,
    { at = 50, ...overrides }: Record<string, unknown> & { at?: number } = {},
  ) => {
    const id = await submit(name, overrides);
    await training.reached(id, at);
    await committed(id, 2);
    expect(await training.cancelled(id)).toMatchObject({ status: 'cancelled' });
    const checkpoints = await checkpointsOf(id);
    const [newest] = checkpoints;
    if (!newest) throw new Error('it has no checkpoint');
    return {
      id,
      newest,
      older: (name: string) => checkpoints.slice(1).find((other) => !stored.share(newest, other, name)),
    };
  };
  const everythingAbout = async (id: string) => {
    const paths = ['', '/history', '/events?limit=1000', '/checkpoints', '/metrics'];
    return Promise.all(paths.map(async (path) => (await http.get(`/operations/${id}${path}`)).body));
  };
  const eventTypes = async (id: string) =>
    ((await http.get(`/operations/${id}/events?limit=1000`)).body['items'] as { type: string }[]).map(
      ({ type }) => type,
    );
  /** What `history` says of it in the row of this event, of the newest one where there are several. */
  const reasonIn = async (id: string, event: string) => {
    const { stdout } = await ktrdr(api, 'operations', 'history', id);
    return stdout.split('\n').findLast((line) => line.includes(`  ${event}  `)) ?? '';
  };
  const allAreIntact = async (id: string) => {
    for (const { checkpoint_id, corrupted_at } of await checkpointsOf(id)) {
      if (corrupted_at) continue;
      expect(await http.post(`/checkpoints/${checkpoint_id}/verify`)).toMatchObject({ body: { valid: true } });
    }
  };

  beforeAll(async () => {
    services = await givenServices();
    database = await services.database();
    stored = storedFilesIn(services.objectStoreUrl);
    api = await startApi(services, { env: SHORT_LEASE });
    http = httpOf(api);
    training = trainingOver(http);
    await sweepBeforehand(http);
    await oneMoreWorker();
    const [small, large] = [await submit('small'), await submit('large', LARGE)];
    await Promise.all([training.completed(small), training.completed(large)]);
    uninterrupted = { small: await training.weightsOf(small), large: await training.weightsOf(large) };
  });
  afterAll(() => services.close());

  const damages: [string, string, string, (checkpoint: StoredCheckpoint) => Promise<void>][] = [
    ['whose weights are gone', 'weights.safetensors', 'missing', (c) => stored.remove(c, 'weights.safetensors')],
    ['with one changed bit', 'weights.safetensors', 'wrong-hash', (c) => stored.flipByte(c, 'weights.safetensors')],
    [
      'that is one byte short',
      'optimizer.safetensors',
      'wrong-size',
      (c) => stored.cutShort(c, 'optimizer.safetensors'),
    ],
    ['whose manifest is gone', 'manifest.json', 'missing', (c) => stored.remove(c, 'manifest.json')],
    ['whose manifest says another step', 'manifest.json', 'wrong-hash', (c) => stored.alterManifest(c)],
  ];

  it.each(damages)(
    '%s is refused, and the older one that is offered gives the same weights',
    async (_name, file, problem, damage) => {
      const { id, newest, older } = await givenCancelled(file);
      const fallback = older(file);
      await damage(newest);
      const before = await everythingAbout(id);

      const refused = await http.post(`/operations/${id}/resume`);
      expect(refused.status).toBe(422);
      expect(refused.headers.get('content-type')).toContain('application/problem+json');
      expect(refused.body).toMatchObject({
        code: 'checkpoint-corrupted',
        checkpoint_id: newest.checkpoint_id,
        bad_files: expect.arrayContaining([expect.objectContaining({ name: file, problem })]) as unknown,
        fallback: { checkpoint_id: fallback?.checkpoint_id, step: fallback?.step },
        lost_steps: newest.step - (fallback?.step ?? 0),
      });
      const typed = await ktrdr(api, 'operations', 'resume', id);
      expect(typed.code).toBe(6);
      expect(typed.stderr).toContain(file);
      expect(typed.stderr).toContain(`ktrdr operations resume ${id} --allow-fallback`);
      expect(await http.post(`/operations/${id}/resume`, { dry_run: true })).toMatchObject({ status: 422 });
      expect(await everythingAbout(id)).toEqual(before);

      const resumed = await http.post(`/operations/${id}/resume`, { allow_fallback: true });
      expect(resumed).toMatchObject({
        status: 202,
        body: {
          fell_back_from: newest.checkpoint_id,
          lost_steps: newest.step - (fallback?.step ?? 0),
          resumed_from: { checkpoint_id: fallback?.checkpoint_id },
        },
      });
      const view = await training.completed(id);
      expect(view['warnings']).toEqual([expect.objectContaining({ code: 'checkpoint-corrupted' })]);
      expect(await reasonIn(id, 'resume')).toContain(
        `fell back from ${newest.checkpoint_id} (damaged) to ${fallback?.checkpoint_id} at step ${fallback?.step}, losing `,
      );
      expect(await training.weightsOf(id)).toBe(uninterrupted.small);
      await allAreIntact(id);
    },
  );

  it('is not the latest any more after another was taken for it', async () => {
    const { id, newest } = await givenCancelled('stopped again');
    await stored.flipByte(newest, 'weights.safetensors');
    const { body } = await http.post(`/operations/${id}/resume`, { allow_fallback: true });
    const from = body['resumed_from'].step as number;
    await training.reached(id, from + 1);
    const again = await training.cancelled(id);
    const resumed = await http.post(`/operations/${id}/resume`);
    expect(resumed).toMatchObject({
      status: 202,
      body: { lost_steps: 0, fell_back_from: null, resumed_from: { step: again['progress'].step as number } },
    });
    await training.completed(id);
    expect(await training.weightsOf(id)).toBe(uninterrupted.small);
  });

  it('is not replaced by step 0 when all others are damaged too', async () => {
    const { id } = await givenCancelled('all damaged');
    for (const checkpoint of await checkpointsOf(id)) await stored.remove(checkpoint, 'manifest.json');
    const before = await everythingAbout(id);
    for (const body of [{}, { allow_fallback: true }]) {
      const refused = await http.post(`/operations/${id}/resume`, body);
      expect(refused).toMatchObject({
        status: 422,
        body: { code: 'checkpoint-corrupted', fallback: null, lost_steps: null },
      });
    }
    const typed = await ktrdr(api, 'operations', 'resume', id, '--allow-fallback');
    expect(typed.code).toBe(6);
    expect(await everythingAbout(id)).toEqual(before);
  });

  it('is found by the restore, which hashes every byte, and passed over visibly', async () => {
    const { id, newest, older } = await givenCancelled('large', { ...LARGE, at: 25 });
    const name = 'optimizer.safetensors';
    expect(newest.files.find((file) => file.name === name)?.bytes).toBeGreaterThan(1024 * 1024);
    await stored.flipByte(newest, name);
    expect(await http.post(`/operations/${id}/resume`, { dry_run: true, deep: true })).toMatchObject({
      status: 422,
      body: { bad_files: [{ name }], fallback: { checkpoint_id: older(name)?.checkpoint_id } },
    });
    const resumed = await http.post(`/operations/${id}/resume`);
    expect(resumed).toMatchObject({ status: 202, body: { resumed_from: { checkpoint_id: newest.checkpoint_id } } });
    const view = await training.completed(id);
    expect(view['warnings']).toEqual([expect.objectContaining({ code: 'checkpoint-corrupted' })]);
    expect(await eventTypes(id)).toContain('checkpoint-corrupted');
    const { rows } = await database.query(
      'SELECT checkpoint_id FROM attempts WHERE operation_id = $1 AND attempt = 2',
      [id],
    );
    expect(rows).toEqual([{ checkpoint_id: older(name)?.checkpoint_id }]);
    expect(await reasonIn(id, 'claim')).toContain(
      `fell back from ${newest.checkpoint_id} (damaged) to ${older(name)?.checkpoint_id} at step ${older(name)?.step}, losing `,
    );
    expect(
      (await checkpointsOf(id)).find(({ checkpoint_id }) => checkpoint_id === newest.checkpoint_id)?.corrupted_at,
    ).toEqual(expect.any(String));
    expect(await training.weightsOf(id)).toBe(uninterrupted.large);
    await allAreIntact(id);
  });

  it('does not keep an automatic recovery from an older one, visibly', async () => {
    const id = await submit('killed', { epochs: 3 * EPOCHS });
    await committed(id, 2);
    const [newest] = await givenDeadWorker(id);
    if (!newest) throw new Error('it has no checkpoint');
    await stored.flipByte(newest, 'weights.safetensors');
    await oneMoreWorker();
    const view = await training.until(id, ({ status, attempt }) => status === 'running' && attempt === 2, 'recovered');
    const started = await training.until(id, ({ warnings }) => warnings.length > 0, 'it is warned of');
    expect(started['warnings']).toEqual([expect.objectContaining({ code: 'checkpoint-corrupted' })]);
    expect(view['recoveries']).toBe(1);
    await training.reached(id, newest.step + 1);
    expect(await reasonIn(id, 'claim')).toContain(`fell back from ${newest.checkpoint_id} (damaged) to `);
    await training.cancelled(id);
    await allAreIntact(id);
  });

  it('that is known before its operation is recovered is passed over visibly, too', async () => {
    const id = await submit('known', { epochs: 3 * EPOCHS });
    await committed(id, 2);
    const [newest] = await givenDeadWorker(id);
    if (!newest) throw new Error('it has no checkpoint');
    await stored.flipByte(newest, 'weights.safetensors');
    expect(await http.post(`/checkpoints/${newest.checkpoint_id}/verify`)).toMatchObject({ body: { valid: false } });
    await oneMoreWorker();
    await training.until(id, ({ status, attempt }) => status === 'running' && attempt === 2, 'recovered');
    await training.reached(id, newest.step + 1);
    expect(await reasonIn(id, 'claim')).toContain(`fell back from ${newest.checkpoint_id} (damaged) to `);
    await training.cancelled(id);
  });

  it('fails an automatic recovery when it was the only one, rather than begin again', async () => {
    const id = await submit('only one', { epochs: 3 * EPOCHS, checkpoint: { every_steps: 400 } });
    await committed(id, 1);
    for (const checkpoint of await givenDeadWorker(id)) await stored.remove(checkpoint, 'manifest.json');
    await oneMoreWorker();
    const view = await training.settled(id);
    expect(view).toMatchObject({ status: 'failed', attempt: 2, error: { code: 'checkpoint-corrupted' } });
    expect(await http.post(`/operations/${id}/resume`, { allow_fallback: true })).toMatchObject({
      status: 422,
      body: { code: 'checkpoint-corrupted' },
    });
  });
});

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { CheckpointDamagedError, ObjectStoreUnavailableError } from '@ktrdr/checkpoint';
import { RpcError, RpcUnavailableError } from '@ktrdr/messaging-nats';
import { DataNotFoundError } from '../errors.js';
import { LEASE, OPERATION, RESUME, RunFixture } from '../testing/run-fixture.js';

let given: RunFixture;
beforeEach(async () => {
  given = await RunFixture.open();
});
afterEach(() => given.close());

describe('an operation that is run', () => {
  it('commits the final checkpoint before it is reported completed', async () => {
    const done = given.givenRun().execute();
    const trainer = await given.training();
    trainer.tell(given.saved('f', 'final', 100), { type: 'completed', step: 100, epoch: 5, result: { a: 1 } });
    trainer.exit();
    expect(await done).toEqual({ kind: 'completed' });
    expect(given.api.methods()).toEqual(['restored', 'checkpoint-commit', 'completed']);
    expect(given.api.requests('completed')[0]).toMatchObject({ attempt: 2, checkpoint_id: 'id1', result: { a: 1 } });
    expect(existsSync(join(given.folder, OPERATION))).toBe(false);
  });

  it('starts from the restored checkpoint, on the backend of the attempts before', async () => {
    void given.givenRun({ resume: RESUME, pinned_backend: 'wasm' }).execute();
    const trainer = await given.training(0, 40);
    expect(given.storage.restores).toEqual(['checkpoints/c1']);
    expect(trainer.controlsOf('start')[0]).toMatchObject({ resume: { step: 40, epoch: 2 }, spec: { backend: 'wasm' } });
    await given.seen(() => given.api.requests('restored')[0], 'restored');
    expect(given.api.requests('restored')[0]).toMatchObject({ checkpoint_id: 'c1', fell_back_from: null });
    trainer.kill();
  });

  it('names what is not as it was when the checkpoint was saved', async () => {
    given.storage.manifest = { ...given.storage.manifest, trainer: { name: 'fake', version: '0' } };
    void given.givenRun({ resume: RESUME, allow_backend_change: true }).execute();
    const trainer = await given.training(0, 40);
    expect(trainer.controlsOf('start')[0]).toMatchObject({ allow_backend_change: true });
    await given.seen(() => given.api.requests('restored')[0], 'restored');
    const drift = [{ what: 'trainer-version', checkpoint: 'fake 0', now: 'fake 1' }];
    expect(given.api.requests('restored')[0]).toMatchObject({ drift });
    const told = given.events.events.map(({ body }) => body);
    expect(told).toContainEqual(
      expect.objectContaining({
        type: 'warning',
        code: 'drift',
        message: expect.stringContaining('fake 1 instead of fake 0'),
      }),
    );
    trainer.kill();
  });

  it('adds the longest time without protection to what its trainer tells of its saves', async () => {
    void given.givenRun().execute();
    const trainer = await given.training();
    const figures = { overhead_budget: 0.02, max_loss_seconds: 60, interval_seconds: 6, decided_by: 'budget' as const };
    const costs = {
      stall_ms: 1,
      background_ms: 2,
      commit_seconds: 0.1,
      saves: 1,
      cost_seconds: 0.003,
      trained_seconds: 6,
    };
    trainer.tell({ type: 'checkpointing', ...figures, ...costs });
    const told = await given.seen(
      () => given.events.events.find(({ body }) => body.type === 'checkpointing')?.body,
      'checkpointing',
    );
    expect(told).toEqual({
      type: 'checkpointing',
      ...figures,
      ...costs,
      longest_unprotected_seconds: expect.any(Number),
    });
    trainer.kill();
  });

  it('takes the older checkpoint that the API names when one is damaged, and ends when there is none', async () => {
    const older = { ...RESUME, checkpoint_id: 'c0', manifest_key: 'checkpoints/c0', step: 20 };
    const bad = [{ name: 'state.json', problem: 'wrong-hash', detail: 'x' }] as const;
    given.storage.beforeRestore = (key) => {
      if (key === 'checkpoints/c1') throw new CheckpointDamagedError(key, bad);
    };
    given.api.answers['restore-failed'] = () => ({ resume: older });
    const run = given.givenRun({ resume: RESUME });
    const done = run.execute();
    await given.training(0, 20);
    await given.seen(() => given.api.requests('restored')[0], 'restored');
    expect(given.api.requests('restored')[0]).toMatchObject({ checkpoint_id: 'c0', fell_back_from: 'c1' });
    run.obey({ kind: 'lease-lost', reason: 'test' });
    await done;

    delete given.api.answers['restore-failed'];
    expect(await given.givenRun({ resume: RESUME }).execute()).toEqual({ kind: 'failed' });
    expect(given.api.requests('failed')).toEqual([]);
  });

  it('tells which checkpoint the API had passed over before, though the next one is damaged too', async () => {
    const older = { ...RESUME, checkpoint_id: 'c0', manifest_key: 'checkpoints/c0', step: 20 };
    const bad = [{ name: 'state.json', problem: 'wrong-hash', detail: 'x' }] as const;
    given.storage.beforeRestore = (key) => {
      if (key === 'checkpoints/c1') throw new CheckpointDamagedError(key, bad);
    };
    given.api.answers['restore-failed'] = () => ({ resume: older });
    const run = given.givenRun({ resume: RESUME, fell_back_from: 'c2' });
    const done = run.execute();
    await given.training(0, 20);
    await given.seen(() => given.api.requests('restored')[0], 'restored');
    expect(given.api.requests('restored')[0]).toMatchObject({ checkpoint_id: 'c0', fell_back_from: 'c2' });
    run.obey({ kind: 'lease-lost', reason: 'test' });
    await done;
  });

  it('waits for an object store that is away, with a warning', async () => {
    let tries = 0;
    given.storage.beforeRestore = () => {
      tries += 1;
      if (tries === 1) throw new ObjectStoreUnavailableError('s3://b', 'refused');
    };
    const run = given.givenRun({ resume: RESUME });
    const done = run.execute();
    await given.training(0, 40);
    expect(given.events.events.map(({ body }) => body.type)).toContain('warning');
    run.obey({ kind: 'lease-lost', reason: 'test' });
    await done;
  });

  it('fails with the reason when its data cannot be read', async () => {
    given.resolveData = (source) => Promise.reject(new DataNotFoundError(source, 'it is not there'));
    expect(await given.givenRun({ resume: RESUME }).execute()).toEqual({ kind: 'failed' });
    expect(given.api.requests('failed')).toMatchObject([{ error: { code: 'data-not-found' } }]);
    expect(given.trainers.taken).toEqual([]);
  });
});

describe('an end from outside', () => {
  it('before training has started ends the trainer and hands back what was restored', async () => {
    const run = given.givenRun({ resume: RESUME });
    const done = run.execute();
    const trainer = await given.seen(() => given.trainers.taken[0], 'a trainer');
    run.shutDown('worker-shutdown');
    expect(await done).toEqual({ kind: 'released', checkpointId: 'c1' });
    expect(trainer.isKilled).toBe(true);
    expect(given.api.requests('released')).toMatchObject([
      { step: 40, checkpoint_id: 'c1', reason: 'worker-shutdown' },
    ]);
  });

  it('by shutdown saves, commits and releases; a pause that was wanted meanwhile is reported as one', async () => {
    const run = given.givenRun();
    const done = run.execute();
    const trainer = await given.training();
    run.shutDown('worker-shutdown');
    expect((await given.stopAsked(trainer)).save?.kind).toBe('shutdown');
    run.obey({ kind: 'pause', boundary: 'epoch' });
    await given.obeysStop(trainer, 60);
    expect(await done).toMatchObject({ kind: 'paused' });
  });

  it.each([
    ['shutdown', 'released'],
    ['cancel', 'cancelled'],
  ] as const)('by %s does not ask a data generation to save', async (how, method) => {
    const run = given.givenRun({ type: 'data_generation', spec: { version: 1, rows: 10 } });
    const done = run.execute();
    const trainer = await given.training(0, 1);
    expect(trainer.controlsOf('start')[0]).toMatchObject({ operation_type: 'data_generation', data_file: null });
    if (how === 'cancel') run.obey({ kind: 'cancel', save: true });
    else run.shutDown('drain');
    await given.obeysStop(trainer, 3);
    await done;
    expect(trainer.controlsOf('stop')).toMatchObject([{ save: null }]);
    expect(given.api.requests(method)).toMatchObject([{ step: 3, checkpoint_id: null }]);
    expect(given.api.requests('checkpoint-failed')).toEqual([]);
  });

  it('by shutdown without time left kills the trainer and releases the last committed checkpoint', async () => {
    const run = given.givenRun({ resume: RESUME });
    const done = run.execute();
    const trainer = await given.training();
    trainer.tell(given.saved('p', 'periodic', 55));
    await given.seen(
      () => given.api.requests('checkpoint-commit')[0] && given.api.methods().at(-1) === 'checkpoint-commit',
      'commit',
    );
    await turn();
    await turn();
    run.shutDown('worker-shutdown');
    run.giveUp();
    expect(await done).toMatchObject({ kind: 'released' });
    expect(trainer.isKilled).toBe(true);
    expect(given.api.requests('released')).toMatchObject([{ step: 55 }]);
  });

  it('by a lost lease kills the trainer, drops the spool and tells nothing more', async () => {
    const run = given.givenRun();
    const done = run.execute();
    const trainer = await given.training();
    await given.seen(() => given.api.requests('restored')[0], 'restored');
    run.obey({ kind: 'lease-lost', reason: 'another attempt' });
    expect(await done).toEqual({ kind: 'lease-lost', reason: 'another attempt' });
    expect(trainer.isKilled).toBe(true);
    expect(given.events.purged).toEqual([LEASE]);
    expect(given.api.methods()).toEqual(['restored']);
    expect(existsSync(join(given.folder, OPERATION))).toBe(false);
  });

  it.each(['start.prepared', 'complete.trainer-gone'] as const)(
    'by a lost lease comes through when the run hangs at %s',
    async (where) => {
      const hanging = Promise.withResolvers<void>();
      given.failpoints = {
        reach: (point) => {
          if (point !== where) return Promise.resolve();
          hanging.resolve();
          return new Promise(() => undefined);
        },
      };
      const run = given.givenRun();
      const done = run.execute();
      if (where === 'complete.trainer-gone') {
        const trainer = await given.training();
        trainer.tell({ type: 'completed', step: 100, epoch: 5, result: {} });
        trainer.exit();
      }
      await hanging.promise;
      run.obey({ kind: 'lease-lost', reason: 'it was failed' });
      expect(await done).toEqual({ kind: 'lease-lost', reason: 'it was failed' });
    },
  );

  it('is noticed by a refused commit as well', async () => {
    given.api.answers['checkpoint-commit'] = () => {
      throw new RpcError('lease-lost', 'another attempt has it');
    };
    const done = given.givenRun().execute();
    const trainer = await given.training();
    trainer.tell(given.saved('p', 'periodic', 55));
    expect(await done).toMatchObject({ kind: 'lease-lost' });
    expect(trainer.isKilled).toBe(true);
  });
});

describe('a trainer that ends by itself', () => {
  it('is reported after the saves it left were committed', async () => {
    const done = given.givenRun().execute();
    const trainer = await given.training();
    trainer.tell(given.saved('p', 'periodic', 55));
    trainer.exit({ code: 1, stderrTail: ['boom'] });
    expect(await done).toEqual({ kind: 'failed' });
    expect(given.api.methods()).toEqual(['restored', 'checkpoint-commit', 'failed']);
    expect(given.api.requests('failed')).toMatchObject([{ error: { code: 'trainer-crashed' }, checkpoint_id: 'id1' }]);
  });

  it('is reported again and again until the API has heard it', async () => {
    let away = 2;
    given.api.answers['failed'] = () => {
      away -= 1;
      if (away >= 0) throw new RpcUnavailableError('failed', 'no API replica is listening');
      return { status: 'failed' };
    };
    const done = given.givenRun().execute();
    (await given.training()).exit({ code: 1 });
    expect(await done).toEqual({ kind: 'failed' });
    expect(given.api.requests('failed')).toHaveLength(3);
  });

  it('with a failure of its own passes that on', async () => {
    const done = given.givenRun().execute();
    const trainer = await given.training();
    trainer.tell({ type: 'failed', code: 'training-diverged', message: 'NaN', details: { step: 51 } });
    trainer.exit();
    await done;
    expect(given.api.requests('failed')).toMatchObject([
      { error: { code: 'training-diverged', details: { step: 51 } } },
    ]);
  });
});

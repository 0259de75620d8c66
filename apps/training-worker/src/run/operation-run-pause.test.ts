import { join } from 'node:path';
import { RESUME, RunFixture } from '../testing/run-fixture.js';

let given: RunFixture;
beforeEach(async () => {
  given = await RunFixture.open();
});
afterEach(() => given.close());

describe('a pause', () => {
  it('is reported when its checkpoint is committed and the trainer is gone', async () => {
    const run = given.givenRun();
    const done = run.execute();
    const trainer = await given.training();
    run.obey({ kind: 'pause', boundary: 'epoch' });
    expect(await given.stopAsked(trainer)).toMatchObject({ boundary: 'epoch', save: { kind: 'pause' } });
    const { save } = await given.stopAsked(trainer);
    trainer.tell(given.saved(save!.request_id, 'pause', 60));
    await given.seen(() => given.api.requests('checkpoint-commit')[0], 'commit');
    expect(given.api.requests('paused')).toEqual([]);
    trainer.tell({ type: 'stopped', step: 60, epoch: 2 });
    trainer.exit();
    expect(await done).toMatchObject({ kind: 'paused' });
    expect(given.api.requests('paused')).toMatchObject([
      { step: 60, checkpoint_id: given.api.requests('checkpoint-commit')[0] && 'id2' },
    ]);
  });

  it('tells what the machine was doing, with the trainer seen gone', async () => {
    const run = given.givenRun();
    const done = run.execute();
    const trainer = await given.training();
    const at = { step: 55, epoch: 2, steps: 100, epochs: 5, loss: 1 };
    trainer.tell({ type: 'progress', ...at, examples_per_second: 900 });
    trainer.tell({ type: 'progress', ...at, examples_per_second: null });
    run.obey({ kind: 'pause', boundary: 'step' });
    await given.obeysStop(trainer, 60);
    await done;
    expect([given.meter.observations, given.meter.readings]).toEqual([2, 1]);
    expect(given.api.requests('paused')[0]?.['snapshot']).toEqual({
      taken_at: expect.any(String),
      ...given.meter.reading,
      trainer_memory_bytes: 2, // looked at when it was asked to stop, and at its save
      trainer_gone: true,
      examples_per_second: 900,
    });
  });

  it('that is reported without a trainer ever having run has nothing to tell of the machine', async () => {
    const run = given.givenRun({ resume: RESUME });
    const done = run.execute();
    run.shutDown('worker-shutdown');
    run.obey({ kind: 'pause', boundary: 'step' });
    expect(await done).toMatchObject({ kind: 'paused' });
    expect(given.api.requests('paused')).toMatchObject([{ checkpoint_id: 'c1', snapshot: null }]);
  });

  it('that is withdrawn in time makes the trainer go on', async () => {
    const run = given.givenRun();
    void run.execute();
    const trainer = await given.training();
    run.obey({ kind: 'pause', boundary: 'epoch' });
    await given.stopAsked(trainer);
    run.obey({ kind: 'run' });
    expect(trainer.controls.at(-1)).toEqual({ type: 'continue' });
    run.obey({ kind: 'lease-lost', reason: 'test' });
  });

  it('that is withdrawn while its checkpoint is on the way continues from the local files', async () => {
    let store = (): void => undefined;
    given.storage.beforeUpload = () => new Promise<void>((resolve) => (store = resolve));
    const run = given.givenRun();
    const done = run.execute();
    run.obey({ kind: 'pause', boundary: 'step' });
    await given.obeysStop(await given.training(), 60);
    run.obey({ kind: 'run' });
    const second = await given.training(1, 60);
    expect(second.controlsOf('start')[0]?.resume).toMatchObject({ step: 60, dir: join(given.folder, 'id1') });
    store();
    second.tell({ type: 'completed', step: 100, epoch: 5, result: {} });
    second.exit();
    expect(await done).toEqual({ kind: 'completed' });
    expect(given.api.requests('restored')).toHaveLength(1);
  });

  it('whose save fails is abandoned: the API hears of it, and training goes on', async () => {
    const run = given.givenRun();
    void run.execute();
    const trainer = await given.training();
    run.obey({ kind: 'pause', boundary: 'step' });
    const { save } = await given.stopAsked(trainer);
    trainer.tell({ type: 'save_failed', request_id: save!.request_id, message: 'disk full' });
    expect(trainer.controls.at(-1)).toEqual({ type: 'continue' });
    run.obey({ kind: 'pause', boundary: 'step' }); // a heartbeat that left before the API heard of it
    expect(trainer.controlsOf('stop')).toHaveLength(1);
    const failure = await given.seen(() => given.api.requests('checkpoint-failed')[0], 'the report');
    expect(failure).toMatchObject({ pause_abandoned: true, kind: 'pause', error: { message: 'disk full' } });
    run.obey({ kind: 'lease-lost', reason: 'test' });
  });

  it('becomes a cancel without another stop when it was to happen at the next step anyway', async () => {
    const run = given.givenRun();
    const done = run.execute();
    const trainer = await given.training();
    run.obey({ kind: 'pause', boundary: 'step' });
    await given.stopAsked(trainer);
    run.obey({ kind: 'cancel', save: true });
    expect(trainer.controlsOf('stop')).toHaveLength(1);
    await given.obeysStop(trainer, 60);
    expect(await done).toMatchObject({ kind: 'cancelled' });
  });

  it('that waits for the end of an epoch does not delay a cancel', async () => {
    const run = given.givenRun();
    const done = run.execute();
    const trainer = await given.training();
    run.obey({ kind: 'pause', boundary: 'epoch' });
    run.obey({ kind: 'cancel', save: false });
    expect(await given.stopAsked(trainer, 1)).toMatchObject({ boundary: 'step', save: null });
    await given.obeysStop(trainer, 60, 1);
    expect(await done).toEqual({ kind: 'cancelled', checkpointId: null });
  });
});

import { join } from 'node:path';
import { ObjectStoreUnavailableError } from '@ktrdr/checkpoint';
import type { TrainerEvent } from '@ktrdr/contracts';
import { RunFixture } from '../testing/run-fixture.js';
import type { InMemoryTrainer } from '../testing/in-memory-ports.js';

let given: RunFixture;
beforeEach(async () => {
  given = await RunFixture.open();
  given.storage.beforeEarlyStore = ({ isWritten, signal }) =>
    given.seen(() => isWritten() || signal.aborted, 'the end of the writing').then(() => signal.throwIfAborted());
});
afterEach(() => given.close());

const saving = (request_id: string): TrainerEvent => ({
  type: 'saving',
  request_id,
  dir: join(given.folder, `${request_id}.partial`),
  files: [{ name: 'state.json', bytes: 100_000_000 }],
});
const toldBy = async (trainer: InMemoryTrainer, request_id: string) => {
  trainer.tell(saving(request_id));
  return given.seen(() => given.storage.startedEarly.at(-1), 'files stored early');
};

describe('a trainer that tells what it is writing', () => {
  it('has it stored before it is whole, and committed when it is', async () => {
    const done = given.givenRun().execute();
    const trainer = await given.training();
    const writing = await toldBy(trainer, 'f');
    expect(writing).toMatchObject({ dir: join(given.folder, 'f.partial'), attempt: 2 });
    trainer.tell(given.saved('f', 'final', 100), { type: 'completed', step: 100, epoch: 5, result: {} });
    trainer.exit();
    expect(await done).toEqual({ kind: 'completed' });
    expect(given.storage.uploads).toMatchObject([{ kind: 'final', early: { uploadedBytes: 10 } }]);
  });

  it('is not stuck, and says why it waits, while the API finds the store away that it commits to', async () => {
    let refusals = 2;
    given.api.answers['checkpoint-commit'] = ({ checkpoint }: { checkpoint: { id: string } }) => {
      refusals -= 1;
      if (refusals >= 0) throw new ObjectStoreUnavailableError('file:///store', 'it is away');
      return { checkpoint_id: checkpoint.id };
    };
    const run = given.givenRun();
    const done = run.execute();
    const trainer = await given.training();
    trainer.tell(given.saved('f', 'final', 100), { type: 'completed', step: 100, epoch: 5, result: {} });
    await given.seen(() => refusals < 2, 'the first refusal');
    await given.seen(() => run.takeMoved(), 'it counts as moved');
    trainer.exit();
    expect(await done).toEqual({ kind: 'completed' });
    const warnings = given.events.events.filter(({ body }) => body.type === 'warning');
    expect(warnings.map(({ body }) => body)).toMatchObject([{ code: 'object-store-unavailable' }]);
  });

  it('is not stuck while bytes move', async () => {
    const run = given.givenRun();
    const done = run.execute();
    const trainer = await given.training();
    expect(run.takeMoved()).toBe(false);
    (await toldBy(trainer, 'f')).onMoved?.();
    expect([run.takeMoved(), run.takeMoved()]).toEqual([true, false]);
    given.storage.beforeUpload = ({ onMoved }) => onMoved?.();
    trainer.tell(given.saved('f', 'final', 100), { type: 'completed', step: 100, epoch: 5, result: {} });
    trainer.exit();
    expect(await done).toEqual({ kind: 'completed' });
    expect([run.takeMoved(), run.takeMoved()]).toEqual([true, false]);
  });

  it('stops with the save of the stop, stored meanwhile', async () => {
    const run = given.givenRun();
    const done = run.execute();
    const trainer = await given.training();
    run.obey({ kind: 'pause', boundary: 'step' });
    const { save } = await given.stopAsked(trainer);
    await toldBy(trainer, save!.request_id);
    await given.obeysStop(trainer, 60);
    expect(await done).toMatchObject({ kind: 'paused' });
    expect(given.storage.uploads).toMatchObject([{ kind: 'pause', step: 60, early: { uploadedBytes: 10 } }]);
  });

  it.each(['asked for', 'periodic'])('is not waited for when the save, %s, failed', async (how) => {
    const run = given.givenRun();
    const done = run.execute();
    const trainer = await given.training();
    if (how === 'asked for') run.obey({ kind: 'pause', boundary: 'step' });
    const id = how === 'asked for' ? (await given.stopAsked(trainer)).save!.request_id : 'periodic-2-50';
    const { signal } = await toldBy(trainer, id);
    trainer.tell({ type: 'save_failed', request_id: id, message: 'disk full' });
    expect(signal.aborted).toBe(true);
    run.giveUp();
    await done;
  });

  it('leaves nothing open when it crashes', async () => {
    const done = given.givenRun().execute();
    const trainer = await given.training();
    const { signal } = await toldBy(trainer, 'p');
    let wasGivenUp: boolean | undefined;
    given.api.answers['failed'] = () => {
      wasGivenUp = signal.aborted;
      return { status: 'failed' };
    };
    trainer.exit({ code: 1 });
    expect(await done).toEqual({ kind: 'failed' });
    expect(wasGivenUp).toBe(true);
    expect(given.storage.uploads).toEqual([]);
  });

  it('does not hold up the end of its run by a store that does not answer', async () => {
    given.storage.beforeEarlyStore = () => new Promise(() => undefined);
    const run = given.givenRun();
    const done = run.execute();
    const trainer = await given.training();
    const { signal } = await toldBy(trainer, 'm');
    trainer.tell(given.saved('m', 'periodic', 60));
    run.giveUp();
    expect(await done).toMatchObject({ kind: 'released' });
    expect(signal.aborted).toBe(true);
  });
});

import { ObjectStoreUnavailableError } from '@ktrdr/checkpoint';
import { RpcError } from '@ktrdr/messaging-nats';
import { UploaderFixture } from '../testing/uploader-fixture.js';

let given: UploaderFixture;
beforeEach(async () => {
  given = await UploaderFixture.open();
});
afterEach(() => given.close());

it('commits in order, each with its parent, and says which one is the best', async () => {
  const uploader = given.givenUploader();
  uploader.add(given.save('one', 1, 'manual'));
  uploader.add(given.save('two', 2, 'pause'));
  await uploader.idle();
  const records = given.api.requests('checkpoint-commit').map(({ checkpoint }) => checkpoint);
  expect(records).toMatchObject([
    { id: 'c1', seq: 1, step: 1, parent_id: null, is_best: false },
    { id: 'c2', seq: 2, step: 2, parent_id: 'c1', is_best: true },
  ]);
  expect(given.settled).toEqual(['one', 'two']);
  expect(uploader.lastCommitted).toEqual({ checkpointId: 'c2', step: 2, epoch: 0 });
});

it('lets a newer save take the place of a periodic one that waits, never of one that is needed', async () => {
  let open = (): void => undefined;
  let first = true;
  given.storage.beforeUpload = async () => {
    if (!first) return;
    first = false;
    await new Promise<void>((resolve) => (open = resolve));
  };
  const uploader = given.givenUploader();
  uploader.add(given.save('stuck', 1, 'pause'));
  uploader.add(given.save('old', 2));
  uploader.add(given.save('new', 3));
  await Promise.resolve();
  while (first) await new Promise((resolve) => setImmediate(resolve));
  open();
  await uploader.idle();
  expect(given.storage.uploads.map(({ step }) => step)).toEqual([1, 3]);
  expect(await uploader.resultOf('old')).toEqual({ kind: 'superseded' });
  expect(given.settled).toContain('old');
});

it('lets the trainer make its next save while the store is away, and goes on trying', async () => {
  let away = true;
  given.storage.beforeUpload = () => {
    if (away) throw new ObjectStoreUnavailableError('s3://b', 'refused');
  };
  const uploader = given.givenUploader();
  uploader.add(given.save('one', 1));
  while (given.settled.length === 0) await new Promise((resolve) => setImmediate(resolve));
  uploader.add(given.save('two', 2));
  away = false;
  await uploader.idle();
  expect(given.storage.uploads.map(({ step }) => step)).toEqual([2]);
});

it('forgets what was not stored yet when it is told that nobody wants it', async () => {
  given.storage.beforeUpload = () => {
    throw new ObjectStoreUnavailableError('s3://b', 'refused');
  };
  const uploader = given.givenUploader();
  uploader.add(given.save('one', 1, 'pause'));
  uploader.discard();
  expect(await uploader.resultOf('one')).toEqual({ kind: 'superseded' });
});

it('uploads anew what the commit found incomplete', async () => {
  const uploader = given.givenUploader();
  const refusals = [new RpcError('checkpoint-failed', 'not wholly stored', { missing: ['a'] })];
  given.api.answers['checkpoint-commit'] = ({ checkpoint }: { checkpoint: { id: string } }) => {
    const refusal = refusals.pop();
    if (refusal) throw refusal;
    return { checkpoint_id: checkpoint.id };
  };
  uploader.add(given.save('one', 1, 'cancel'));
  expect(await uploader.resultOf('one')).toMatchObject({ kind: 'committed', checkpointId: 'c2', step: 1 });
  expect(given.api.requests('checkpoint-commit')).toHaveLength(2);
});

import { ObjectStoreUnavailableError } from '@ktrdr/checkpoint';
import { RpcError } from '@ktrdr/messaging-nats';
import { CourierFixture } from '../testing/uploader-fixture.js';

let given: CourierFixture;
beforeEach(async () => {
  given = await CourierFixture.open();
});
afterEach(() => given.close());

it('commits in order, each with its parent, and says which one is the best', async () => {
  const courier = given.givenCourier();
  courier.add(given.save('one', 1, 'manual'));
  courier.add(given.save('two', 2, 'pause'));
  await courier.idle();
  const records = given.api.requests('checkpoint-commit').map(({ checkpoint }) => checkpoint);
  expect(records).toMatchObject([
    { id: 'c1', seq: 1, step: 1, parent_id: null, is_best: false },
    { id: 'c2', seq: 2, step: 2, parent_id: 'c1', is_best: true },
  ]);
  expect(given.settled).toEqual(['one', 'two']);
  expect(courier.lastCommitted).toEqual({ checkpointId: 'c2', step: 2, epoch: 0 });
});

it('lets a newer save take the place of a periodic one that waits, never of one that is needed', async () => {
  let open = (): void => undefined;
  let first = true;
  given.storage.beforeUpload = async () => {
    if (!first) return;
    first = false;
    await new Promise<void>((resolve) => (open = resolve));
  };
  const courier = given.givenCourier();
  courier.add(given.save('stuck', 1, 'pause'));
  courier.add(given.save('old', 2));
  courier.add(given.save('new', 3));
  await Promise.resolve();
  while (first) await new Promise((resolve) => setImmediate(resolve));
  open();
  await courier.idle();
  expect(given.storage.uploads.map(({ step }) => step)).toEqual([1, 3]);
  expect(await courier.deliveryOf('old')).toEqual({ kind: 'superseded' });
  expect(given.settled).toContain('old');
});

it('lets the trainer make its next save while the store is away, and goes on trying', async () => {
  let away = true;
  given.storage.beforeUpload = () => {
    if (away) throw new ObjectStoreUnavailableError('s3://b', 'refused');
  };
  const courier = given.givenCourier();
  courier.add(given.save('one', 1));
  while (given.settled.length === 0) await new Promise((resolve) => setImmediate(resolve));
  courier.add(given.save('two', 2));
  away = false;
  await courier.idle();
  expect(given.storage.uploads.map(({ step }) => step)).toEqual([2]);
});

it('forgets what was not stored yet when it is told that nobody wants it', async () => {
  given.storage.beforeUpload = () => {
    throw new ObjectStoreUnavailableError('s3://b', 'refused');
  };
  const courier = given.givenCourier();
  courier.add(given.save('one', 1, 'pause'));
  courier.discard();
  expect(await courier.deliveryOf('one')).toEqual({ kind: 'superseded' });
});

it('uploads anew what the commit found incomplete', async () => {
  const courier = given.givenCourier();
  const refusals = [new RpcError('checkpoint-failed', 'not wholly stored', { missing: ['a'] })];
  given.api.answers['checkpoint-commit'] = ({ checkpoint }: { checkpoint: { id: string } }) => {
    const refusal = refusals.pop();
    if (refusal) throw refusal;
    return { checkpoint_id: checkpoint.id };
  };
  courier.add(given.save('one', 1, 'cancel'));
  expect(await courier.deliveryOf('one')).toMatchObject({ kind: 'committed', checkpointId: 'c2', step: 1 });
  expect(given.api.requests('checkpoint-commit')).toHaveLength(2);
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ObjectStoreUnavailableError } from '@ktrdr/checkpoint';
import { NO_FAILPOINTS } from '@ktrdr/failpoints';
import { RpcError } from '@ktrdr/messaging-nats';
import { pino } from 'pino';
import { CheckpointCourier, type Save } from './checkpoint-courier.js';
import { LeasedRpc } from './leased-rpc.js';
import { PersistentRpc } from './persistent-rpc.js';
import { InMemoryApi, InMemoryStorage } from './testing/in-memory-ports.js';

const LEASE = { operationId: 'op_a', attempt: 1 };
let folder: string;
let api: InMemoryApi;
let storage: InMemoryStorage;
let settled: string[];
const halt = new AbortController();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-courier-'));
  api = new InMemoryApi();
  storage = new InMemoryStorage();
  settled = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function givenCourier(): CheckpointCourier {
  let ids = 0;
  const persistent = new PersistentRpc(api, () => undefined);
  return new CheckpointCourier(
    {
      storage,
      rpc: new LeasedRpc(persistent, LEASE, 'w1', halt.signal, () => undefined),
      confirmLease: () => Promise.resolve(),
      newId: () => `c${(ids += 1)}`,
      log: pino({ level: 'silent' }),
      failpoints: NO_FAILPOINTS,
      onSettled: (id) => settled.push(id),
      onTrouble: () => undefined,
    },
    {
      lease: LEASE,
      started: Promise.resolve(),
      provenance: {
        specSha256: 'abc',
        dataFingerprint: 'd',
        trainer: { name: 't', version: '1' },
        backend: { name: 'cpu', version: '1' },
      },
    },
    null,
    halt.signal,
  );
}

function save(request_id: string, step: number, kind: Save['kind'] = 'periodic'): Save {
  const best = { step: 2, epoch: 0, metric: 'loss', value: 1 };
  return {
    type: 'saved',
    request_id,
    kind,
    step,
    epoch: 0,
    dir: join(folder, request_id),
    files: ['a'],
    stall_ms: 1,
    metrics: {},
    best,
  };
}

it('commits in order, each with its parent, and says which one is the best', async () => {
  const courier = givenCourier();
  courier.add(save('one', 1, 'manual'));
  courier.add(save('two', 2, 'pause'));
  await courier.idle();
  const records = api.requests('checkpoint.commit').map(({ checkpoint }) => checkpoint);
  expect(records).toMatchObject([
    { id: 'c1', seq: 1, step: 1, parent_id: null, is_best: false },
    { id: 'c2', seq: 2, step: 2, parent_id: 'c1', is_best: true },
  ]);
  expect(settled).toEqual(['one', 'two']);
  expect(courier.lastCommitted).toEqual({ checkpointId: 'c2', step: 2, epoch: 0 });
});

it('lets a newer save take the place of a periodic one that waits, never of one that is needed', async () => {
  let open = (): void => undefined;
  let first = true;
  storage.beforeUpload = async () => {
    if (!first) return;
    first = false;
    await new Promise<void>((resolve) => (open = resolve));
  };
  const courier = givenCourier();
  courier.add(save('stuck', 1, 'pause'));
  courier.add(save('old', 2));
  courier.add(save('new', 3));
  await Promise.resolve();
  while (first) await new Promise((resolve) => setImmediate(resolve));
  open();
  await courier.idle();
  expect(storage.uploads.map(({ step }) => step)).toEqual([1, 3]);
  expect(await courier.deliveryOf('old')).toEqual({ kind: 'superseded' });
  expect(settled).toContain('old');
});

it('lets the trainer make its next save while the store is away, and goes on trying', async () => {
  let away = true;
  storage.beforeUpload = () => {
    if (away) throw new ObjectStoreUnavailableError('s3://b', 'refused');
  };
  const courier = givenCourier();
  courier.add(save('one', 1));
  while (settled.length === 0) await new Promise((resolve) => setImmediate(resolve));
  courier.add(save('two', 2));
  away = false;
  await courier.idle();
  expect(storage.uploads.map(({ step }) => step)).toEqual([2]);
});

it('forgets what was not stored yet when it is told that nobody wants it', async () => {
  storage.beforeUpload = () => {
    throw new ObjectStoreUnavailableError('s3://b', 'refused');
  };
  const courier = givenCourier();
  courier.add(save('one', 1, 'pause'));
  courier.discard();
  expect(await courier.deliveryOf('one')).toEqual({ kind: 'superseded' });
});

it('uploads anew what the commit found incomplete', async () => {
  const courier = givenCourier();
  const refusals = [new RpcError('checkpoint-failed', 'not wholly stored', { missing: ['a'] })];
  api.answers['checkpoint.commit'] = ({ checkpoint }: { checkpoint: { id: string } }) => {
    const refusal = refusals.pop();
    if (refusal) throw refusal;
    return { checkpoint_id: checkpoint.id };
  };
  courier.add(save('one', 1, 'cancel'));
  expect(await courier.deliveryOf('one')).toMatchObject({ kind: 'committed', checkpointId: 'c2', step: 1 });
  expect(api.requests('checkpoint.commit')).toHaveLength(2);
});

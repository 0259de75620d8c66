import { join } from 'node:path';
import { ObjectStoreUnavailableError } from '@ktrdr/checkpoint';
import { RpcError } from '@ktrdr/messaging-nats';
import type { CheckpointCourier } from './checkpoint-uploader.js';
import { isWorthForeseeing, type Saving } from './early-upload.js';
import { CourierFixture } from '../testing/uploader-fixture.js';

let given: CourierFixture;
beforeEach(async () => {
  given = await CourierFixture.open();
});
afterEach(() => given.close());

describe('a save that is told while it is written', () => {
  const MIB = 1024 * 1024;
  const saving = (request_id: string, bytes = 9 * MIB): Saving => ({
    type: 'saving',
    request_id,
    dir: join(given.folder, `${request_id}.partial`),
    files: [{ name: 'a', bytes }],
  });
  /** Storing ahead as the store does it: until the files are written, or not wanted any more. */
  const whileWritten = () => {
    given.storage.beforeStoredAhead = async ({ isWritten, signal }) => {
      await given.seen(() => isWritten() || signal.aborted);
      signal.throwIfAborted();
    };
  };
  const foreseen = async (courier: CheckpointCourier, request_id: string) => {
    courier.foresee(saving(request_id));
    await given.seen(() => given.storage.storedAhead.length > 0);
    return given.storage.storedAhead.at(-1)!;
  };
  const aheadOf = (nth: number) => given.storage.uploads[nth]?.ahead;

  beforeEach(whileWritten);

  it.each([
    [7 * MIB, false],
    [9 * MIB, true],
    [Number.MAX_SAFE_INTEGER, false],
  ])('of %i bytes is worth that: %s', (bytes, isWorthIt) => {
    expect(isWorthForeseeing(saving('one', bytes))).toBe(isWorthIt);
  });

  it('is stored meanwhile, and its upload builds on that', async () => {
    const courier = given.givenCourier();
    const writing = await foreseen(courier, 'one');
    expect(writing).toMatchObject({ dir: join(given.folder, 'one.partial'), operation_id: 'op_a', attempt: 1 });
    expect([writing.isWritten(), writing.signal.aborted]).toEqual([false, false]);
    const before = performance.now();
    courier.add({ ...given.save('one', 1), write_ms: 1_000 });
    expect(writing.isWritten()).toBe(true);
    await courier.idle();
    expect(given.storage.uploads).toMatchObject([{ step: 1, ahead: { uploadedBytes: 10 } }]);
    expect(given.captured.get('one')).toBeGreaterThanOrEqual(before - 1_000);
    expect(given.captured.get('one')).toBeLessThanOrEqual(performance.now() - 1_000);
  });

  it('took as long to store as that took altogether', async () => {
    const courier = given.givenCourier();
    const begunAt = performance.now();
    await foreseen(courier, 'one');
    await given.seen(() => performance.now() - begunAt > 60);
    courier.add(given.save('one', 1));
    await courier.idle();
    const [commit] = given.api.requests('checkpoint-commit') as { checkpoint: { save_ms: number } }[];
    expect(commit?.checkpoint.save_ms).toBeGreaterThanOrEqual(59);
  });

  it('is stored when the lease is known to be ours, not before', async () => {
    const confirmed = Promise.withResolvers<void>();
    given.confirmLease = () => confirmed.promise;
    const courier = given.givenCourier();
    courier.foresee(saving('one'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(given.storage.storedAhead).toEqual([]);
    confirmed.resolve();
    await given.seen(() => given.storage.storedAhead.length === 1);
    courier.forget('one');
  });

  it('is uploaded as ever when that failed, and nobody is troubled', async () => {
    given.storage.beforeStoredAhead = () => {
      throw new ObjectStoreUnavailableError('s3://b', 'refused');
    };
    const courier = given.givenCourier();
    await foreseen(courier, 'one');
    courier.add(given.save('one', 1));
    expect(await courier.deliveryOf('one')).toMatchObject({ kind: 'committed' });
    expect([aheadOf(0), given.troubles]).toEqual([null, []]);
  });

  it('is read again by every upload but the first', async () => {
    const refusals = [new ObjectStoreUnavailableError('s3://b', 'refused')];
    const drafts: unknown[] = [];
    given.storage.beforeUpload = ({ ahead }) => {
      drafts.push(ahead);
      const refusal = refusals.pop();
      if (refusal) throw refusal;
    };
    const courier = given.givenCourier();
    await foreseen(courier, 'one');
    courier.add(given.save('one', 1));
    await courier.idle();
    expect(drafts).toEqual([expect.anything(), null]);
    expect(given.troubles).toHaveLength(1);
  });

  it('is read again when blobs that it named were gone at the commit', async () => {
    const refusals = [new RpcError('checkpoint-failed', 'not wholly stored', { missing: ['a'] })];
    given.api.answers['checkpoint-commit'] = ({ checkpoint }: { checkpoint: { id: string } }) => {
      const refusal = refusals.pop();
      if (refusal) throw refusal;
      return { checkpoint_id: checkpoint.id };
    };
    const courier = given.givenCourier();
    await foreseen(courier, 'one');
    courier.add(given.save('one', 1));
    await courier.idle();
    expect(given.storage.uploads.map(({ ahead }) => ahead)).toEqual([expect.anything(), null]);
  });

  it.each<[string, (courier: CheckpointCourier) => void]>([
    ['it failed', (courier) => courier.forget('one')],
    ['its trainer is gone', (courier) => courier.forget()],
    ['nobody wants what is not committed', (courier) => courier.discard()],
    ['another save came', (courier) => courier.add(given.save('two', 2))],
    ['the run is halted', () => given.halt.abort(new Error('halted'))],
  ])('is given up when %s', async (_, end) => {
    const courier = given.givenCourier();
    const { signal } = await foreseen(courier, 'one');
    courier.forget('another');
    expect(signal.aborted).toBe(false);
    end(courier);
    expect(signal.aborted).toBe(true);
    if (given.halt.signal.aborted) return;
    await courier.idle();
    expect(given.storage.uploads.map(({ ahead }) => ahead)).toEqual(given.storage.uploads.map(() => null));
    given.storage.storedAhead.length = 0;
    await foreseen(courier, 'three');
    courier.forget();
  });

  it.each<[string, (courier: CheckpointCourier) => void]>([
    ['a newer one takes its place', (courier) => courier.add(given.save('two', 2))],
    ['it is discarded', (courier) => courier.discard()],
  ])('is given up when %s, though the store never answers', async (_, end) => {
    given.storage.beforeStoredAhead = () => new Promise(() => undefined);
    const courier = given.givenCourier();
    const { signal } = await foreseen(courier, 'one');
    courier.add(given.save('one', 1));
    await new Promise((resolve) => setImmediate(resolve));
    end(courier);
    expect(signal.aborted).toBe(true);
    expect(await courier.deliveryOf('one')).toEqual({ kind: 'superseded' });
    await courier.idle();
    expect(given.storage.uploads.map(({ step }) => step)).not.toContain(1);
  });

  it('is not stored meanwhile where that brings little, or while another is', async () => {
    const courier = given.givenCourier();
    courier.foresee(saving('small', 8 * MIB - 1));
    courier.foresee({ ...saving('many'), files: Array(65).fill({ name: 'a', bytes: MIB }) });
    await foreseen(courier, 'one');
    courier.foresee(saving('two'));
    const opened = Promise.withResolvers<void>();
    let isUploading = false;
    given.storage.beforeUpload = () => {
      isUploading = true;
      return opened.promise;
    };
    courier.add(given.save('one', 1));
    courier.foresee(saving('three'));
    await given.seen(() => isUploading);
    courier.foresee(saving('four'));
    opened.resolve();
    await courier.idle();
    given.halt.abort(new Error('halted'));
    courier.foresee(saving('five'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(given.storage.storedAhead.map(({ dir }) => dir)).toEqual([join(given.folder, 'one.partial')]);
  });
});

import { join } from 'node:path';
import { ObjectStoreUnavailableError } from '@ktrdr/checkpoint';
import { RpcError } from '@ktrdr/messaging-nats';
import type { CheckpointUploader } from './checkpoint-uploader.js';
import { isWorthEarlyUpload, type Saving } from './early-upload.js';
import { UploaderFixture } from '../testing/uploader-fixture.js';

let given: UploaderFixture;
beforeEach(async () => {
  given = await UploaderFixture.open();
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
  /** Storing early as the store does it: until the files are written, or not wanted any more. */
  const whileWritten = () => {
    given.storage.beforeEarlyStore = async ({ isWritten, signal }) => {
      await given.seen(() => isWritten() || signal.aborted);
      signal.throwIfAborted();
    };
  };
  const early = async (uploader: CheckpointUploader, request_id: string) => {
    uploader.startEarly(saving(request_id));
    await given.seen(() => given.storage.startedEarly.length > 0);
    return given.storage.startedEarly.at(-1)!;
  };
  const earlyOf = (nth: number) => given.storage.uploads[nth]?.early;

  beforeEach(whileWritten);

  it.each([
    [7 * MIB, false],
    [9 * MIB, true],
    [Number.MAX_SAFE_INTEGER, false],
  ])('of %i bytes is worth that: %s', (bytes, isWorthIt) => {
    expect(isWorthEarlyUpload(saving('one', bytes))).toBe(isWorthIt);
  });

  it('is stored meanwhile, and its upload builds on that', async () => {
    const uploader = given.givenUploader();
    const writing = await early(uploader, 'one');
    expect(writing).toMatchObject({ dir: join(given.folder, 'one.partial'), operation_id: 'op_a', attempt: 1 });
    expect([writing.isWritten(), writing.signal.aborted]).toEqual([false, false]);
    const before = performance.now();
    uploader.add({ ...given.save('one', 1), write_ms: 1_000 });
    expect(writing.isWritten()).toBe(true);
    await uploader.idle();
    expect(given.storage.uploads).toMatchObject([{ step: 1, early: { uploadedBytes: 10 } }]);
    expect(given.captured[0]).toBeGreaterThanOrEqual(before - 1_000);
    expect(given.captured[0]).toBeLessThanOrEqual(performance.now() - 1_000);
  });

  it('took as long to store as that took altogether', async () => {
    const uploader = given.givenUploader();
    const begunAt = performance.now();
    await early(uploader, 'one');
    await given.seen(() => performance.now() - begunAt > 60);
    uploader.add(given.save('one', 1));
    await uploader.idle();
    const [commit] = given.api.requests('checkpoint-commit') as { checkpoint: { save_ms: number } }[];
    expect(commit?.checkpoint.save_ms).toBeGreaterThanOrEqual(59);
  });

  it('is stored when the lease is known to be ours, not before', async () => {
    const confirmed = Promise.withResolvers<void>();
    given.confirmLease = () => confirmed.promise;
    const uploader = given.givenUploader();
    uploader.startEarly(saving('one'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(given.storage.startedEarly).toEqual([]);
    confirmed.resolve();
    await given.seen(() => given.storage.startedEarly.length === 1);
    uploader.cancelEarly('one');
  });

  it('is uploaded as ever when that failed, and nobody is troubled', async () => {
    given.storage.beforeEarlyStore = () => {
      throw new ObjectStoreUnavailableError('s3://b', 'refused');
    };
    const uploader = given.givenUploader();
    await early(uploader, 'one');
    uploader.add(given.save('one', 1));
    expect(await uploader.resultOf('one')).toMatchObject({ kind: 'committed' });
    expect([earlyOf(0), given.troubles]).toEqual([null, []]);
  });

  it('is read again by every upload but the first', async () => {
    const refusals = [new ObjectStoreUnavailableError('s3://b', 'refused')];
    const drafts: unknown[] = [];
    given.storage.beforeUpload = ({ early }) => {
      drafts.push(early);
      const refusal = refusals.pop();
      if (refusal) throw refusal;
    };
    const uploader = given.givenUploader();
    await early(uploader, 'one');
    uploader.add(given.save('one', 1));
    await uploader.idle();
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
    const uploader = given.givenUploader();
    await early(uploader, 'one');
    uploader.add(given.save('one', 1));
    await uploader.idle();
    expect(given.storage.uploads.map(({ early }) => early)).toEqual([expect.anything(), null]);
  });

  it.each<[string, (uploader: CheckpointUploader) => void]>([
    ['it failed', (uploader) => uploader.cancelEarly('one')],
    ['its trainer is gone', (uploader) => uploader.cancelEarly()],
    ['nobody wants what is not committed', (uploader) => uploader.discard()],
    ['another save came', (uploader) => uploader.add(given.save('two', 2))],
    ['the run is halted', () => given.halt.abort(new Error('halted'))],
  ])('is given up when %s', async (_, end) => {
    const uploader = given.givenUploader();
    const { signal } = await early(uploader, 'one');
    uploader.cancelEarly('another');
    expect(signal.aborted).toBe(false);
    end(uploader);
    expect(signal.aborted).toBe(true);
    if (given.halt.signal.aborted) return;
    await uploader.idle();
    expect(given.storage.uploads.map(({ early }) => early)).toEqual(given.storage.uploads.map(() => null));
    given.storage.startedEarly.length = 0;
    await early(uploader, 'three');
    uploader.cancelEarly();
  });

  it.each<[string, (uploader: CheckpointUploader) => void]>([
    ['a newer one takes its place', (uploader) => uploader.add(given.save('two', 2))],
    ['it is discarded', (uploader) => uploader.discard()],
  ])('is given up when %s, though the store never answers', async (_, end) => {
    given.storage.beforeEarlyStore = () => new Promise(() => undefined);
    const uploader = given.givenUploader();
    const { signal } = await early(uploader, 'one');
    uploader.add(given.save('one', 1));
    await new Promise((resolve) => setImmediate(resolve));
    end(uploader);
    expect(signal.aborted).toBe(true);
    expect(await uploader.resultOf('one')).toEqual({ kind: 'superseded' });
    await uploader.idle();
    expect(given.storage.uploads.map(({ step }) => step)).not.toContain(1);
  });

  it('is not stored meanwhile where that brings little, or while another is', async () => {
    const uploader = given.givenUploader();
    uploader.startEarly(saving('small', 8 * MIB - 1));
    uploader.startEarly({ ...saving('many'), files: Array(65).fill({ name: 'a', bytes: MIB }) });
    await early(uploader, 'one');
    uploader.startEarly(saving('two'));
    const opened = Promise.withResolvers<void>();
    let isUploading = false;
    given.storage.beforeUpload = () => {
      isUploading = true;
      return opened.promise;
    };
    uploader.add(given.save('one', 1));
    uploader.startEarly(saving('three'));
    await given.seen(() => isUploading);
    uploader.startEarly(saving('four'));
    opened.resolve();
    await uploader.idle();
    given.halt.abort(new Error('halted'));
    uploader.startEarly(saving('five'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(given.storage.startedEarly.map(({ dir }) => dir)).toEqual([join(given.folder, 'one.partial')]);
  });
});

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkerEvent } from '@ktrdr/contracts';
import { GivenWorker } from './support/given-worker.js';
import { smallSpec } from './support/specs.js';

const TMPFS = ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs'];
let worker: GivenWorker;
afterEach(() => worker.close());

describe('a data generation', () => {
  const spec = { version: 1, rows: 12_345, seed: 3 };

  it('completes with its file as the final checkpoint, whatever attempt it takes', async () => {
    worker = await GivenWorker.open({ ...spec, rows_per_second: 5_000 });
    const { api } = worker;
    api.offered = { type: 'data_generation' };
    worker.start();
    api.offer();
    await worker.sees(() => api.steps().some((step) => step >= 2), 'some rows');
    api.draining = true;
    await worker.sees(() => api.status === 'resuming', 'it is handed back');
    expect(api.callsOf('released')).toMatchObject([{ reason: 'drain', checkpoint_id: null }]);
    expect(api.callsOf('checkpoint-failed')).toEqual([]);
    api.offered = { type: 'data_generation', spec };
    api.draining = false;
    await worker.sees(() => api.status === 'completed', 'it is completed');
    expect(api.callsOf('register')[0]?.capabilities).toEqual(
      expect.arrayContaining(['type:training', 'type:data_generation']),
    );
    expect(api.callsOf('restored').at(-1)).toMatchObject({ backend: null, steps: 13, checkpoint_id: null });
    const [file] = api.checkpoints.at(-1)!.files;
    expect(api.checkpoints).toMatchObject([{ kind: 'final', step: 13 }]);
    const bytes = await readFile(join(worker.objects, file!.blob!));
    expect(api.callsOf('completed')).toMatchObject([
      {
        result: { rows: 12_345, bytes: bytes.length, prices_sha256: createHash('sha256').update(bytes).digest('hex') },
      },
    ]);
    expect(bytes.toString().split('\n')).toHaveLength(12_345 + 2);
  });

  it('goes on when somebody asks it for a pause, which it cannot have', async () => {
    worker = await GivenWorker.open({ ...spec, rows_per_second: 5_000 });
    const { api } = worker;
    api.offered = { type: 'data_generation' };
    worker.start();
    api.offer();
    await worker.sees(() => api.steps().some((step) => step >= 2), 'some rows');
    api.directive = { kind: 'pause', boundary: 'step' };
    await worker.sees(() => api.status === 'completed', 'it is completed');
    expect(api.callsOf('checkpoint-failed')).toMatchObject([
      { pause_abandoned: true, error: { message: expect.stringContaining('no checkpoints') } },
    ]);
  });
});

it('continues a paused training under a spec with overrides, and no other', async () => {
  worker = await GivenWorker.open(smallSpec({ epochs: 200, checkpoint: { every_epochs: 1_000 } }));
  const { api } = worker;
  worker.start();
  api.offer();
  await worker.sees(() => api.steps().some((step) => step >= 10), 'some steps');
  api.status = 'pausing';
  api.directive = { kind: 'pause', boundary: 'step' };
  api.hint('w1');
  await worker.sees(() => api.status === 'paused', 'it is paused');
  const paused = api.checkpoints.at(-1)!;
  expect(api.callsOf('paused')[0]?.snapshot).toMatchObject({
    trainer_gone: true,
    trainer_memory_bytes: expect.any(Number),
    examples_per_second: expect.any(Number),
  });

  const epochs = paused.epoch + 2;
  const spec = smallSpec({ epochs, batch_size: 100, checkpoint: { every_epochs: 1_000 } });
  api.offered = { spec, spec_sha256: 'def' };
  api.offer();
  await worker.sees(() => api.status === 'failed', 'it is refused');
  expect(api.callsOf('failed')).toMatchObject([{ error: { code: 'checkpoint-incompatible' } }]);
  api.offered = { spec, spec_sha256: 'def', accepted_spec_sha256: ['abc'] };
  api.offer();
  await worker.sees(() => api.status === 'completed', 'it is completed');
  expect(api.callsOf('restored').at(-1)).toMatchObject({ step: paused.step, epochs });
  expect(api.callsOf('completed')[0]?.result).toMatchObject({ epochs_run: epochs });
});

(canMount() ? it : it.skip)(
  'trains on while the spool’s disk is full, with a warning, and saves when it is not',
  async () => {
    worker = await GivenWorker.open(smallSpec({ epochs: 100_000, checkpoint: { every_seconds: 0.2 } }));
    const { api } = worker;
    const disk = join(worker.folder, 'disk');
    const ballast = join(disk, 'ballast');
    await mkdir(disk);
    execFileSync('mount', [...TMPFS, disk]);
    try {
      worker.start({ KTRDR_WORKER_DIR: join(disk, 'w1') });
      api.offer();
      await worker.sees(() => api.checkpoints.length > 0, 'a checkpoint');
      await writeFile(ballast, Buffer.alloc(2 ** 22)).catch(() => undefined); // as much as there is room for
      await worker.sees(() => api.callsOf('checkpoint-failed').length > 0, 'a failed save');
      const [failure] = api.callsOf('checkpoint-failed');
      expect(failure).toMatchObject({ kind: 'periodic', pause_abandoned: false });
      expect(failure?.error.message).toMatch(/ENOSPC.*check free space/);
      await worker.sees(() => api.events.some(isSaveWarning), 'the warning');
      await worker.sees(() => (api.steps().at(-1) ?? 0) > failure!.step + 50, 'more steps');
      const before = api.checkpoints.length;
      await rm(ballast);
      await worker.sees(() => api.checkpoints.length > before, 'another checkpoint');
      expect(api.checkpoints.at(-1)!.step).toBeGreaterThan(failure!.step);
      expect(api.callsOf('failed')).toEqual([]);
      expect(api.attempt).toBe(1);
    } finally {
      execFileSync('umount', ['--lazy', disk]);
    }
  },
);

function isSaveWarning({ body }: WorkerEvent): boolean {
  return body.type === 'warning' && body.code === 'checkpoint-failed';
}

/** Only root may mount a file system that is small enough to be full, and not everywhere. */
function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', ...TMPFS, tmpdir()], { stdio: 'pipe' });
    return true;
  } catch (error) {
    process.stderr.write(
      `the test of a full disk is skipped: no tmpfs can be mounted (${String(error).split('\n')[0]})\n`,
    );
    return false;
  }
}

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { findBackends } from './tensorflow/find-backends.js';
import { uninterrupted } from './testing/interrupted-run.js';
import { recordLoop, type RecordedLoop } from './testing/recorded-loop.js';
import { tinyDataset, tinySpec } from './testing/tiny-dataset.js';
import { train } from './training-loop.js';
import { type RunSetup, TrainingRun } from './training-run.js';

const SETUP: RunSetup = {
  spec: tinySpec({ epochs: 20, checkpoint: { every_steps: 1 } }),
  specSha256: 'a'.repeat(64),
  dataset: tinyDataset(),
  backend: { name: 'cpu', version: '4.22.0' },
};
const TMPFS = ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs'];

/** A file system of one MiB is a real disk that can be full; only root may mount one, and not everywhere. */
function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', ...TMPFS, tmpdir()], { stdio: 'pipe' });
    return true;
  } catch (error) {
    process.stderr.write(`full-disk.test.ts is skipped: no tmpfs can be mounted (${String(error).split('\n')[0]})\n`);
    return false;
  }
}

const withDisk = canMount() ? it : it.skip;
let disk: string;
let loop: RecordedLoop;

beforeEach(async () => {
  await findBackends();
  await tf.setBackend('cpu');
  disk = await mkdtemp(join(tmpdir(), 'ktrdr-disk-'));
  loop = await recordLoop();
});
afterEach(async () => {
  await rm(disk, { recursive: true });
  await loop.remove();
});

withDisk('a full disk fails the saves and nothing else; with space again they work', async () => {
  execFileSync('mount', [...TMPFS, disk]);
  try {
    const ballast = join(disk, 'ballast');
    await expect(writeFile(ballast, Buffer.alloc(2 ** 21))).rejects.toMatchObject({ code: 'ENOSPC' });
    loop.react((event, requests) => {
      if (event.type === 'saved') requests.push({ type: 'settled', request_id: event.request_id });
    });
    const run = new TrainingRun(SETUP);
    let captures = 0;
    const capture = run.capture.bind(run);
    run.capture = () => {
      captures += 1;
      return capture();
    };
    let ms = 0;
    const yieldToEventLoop = async (): Promise<void> => {
      ms += 250;
      do await loop.yieldToEventLoop();
      while (loop.told('saved').length + loop.told('save_failed').length < captures);
      if (captures === 3) await rm(ballast, { force: true });
    };
    const plan = { epochs: SETUP.spec.epochs, checkpoint: SETUP.spec.checkpoint, attempt: 1 };
    expect(await train(run, plan, { ...loop, spoolDir: disk, yieldToEventLoop, now: () => ms })).toBe('completed');
    run.dispose();
  } finally {
    execFileSync('umount', [disk]);
  }
  const failures = loop.told('save_failed').map(({ message }) => message);
  expect(failures).toEqual(Array(3).fill(expect.stringMatching(/ENOSPC.*check free space/)));
  const answers = loop.events.filter(({ type }) => type.startsWith('sav')).map(({ type }) => type);
  expect(answers.slice(0, 6)).toEqual(Array(3).fill(['saving', 'save_failed']).flat());
  const kinds = loop.told('saved').map(({ kind }) => kind);
  expect([kinds[0], kinds.at(-1)]).toEqual(['periodic', 'final']);
  expect(loop.told('completed')[0]?.result).toEqual((await uninterrupted(SETUP)).result);
});

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { writeCheckpointFiles } from './checkpointing/checkpoint-files.js';
import { assertContinues, readRestorePoint } from './state/restore-point.js';
import { findBackends } from './tensorflow/find-backends.js';
import { tinyDataset, tinySpec } from './testing/tiny-dataset.js';
import { type RunSetup, TrainingRun } from './training-run.js';

async function example(setup: RunSetup, dir: string): Promise<TrainingRun> {
  const run = new TrainingRun(setup);
  run.step();
  await writeCheckpointFiles(dir, run.capture().files);
  run.dispose();

  const restored = await readRestorePoint(dir);
  assertContinues(restored, setup);
  const continued = new TrainingRun(setup, restored);
  continued.step();
  return continued;
}

const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

describe('the example of the README', () => {
  it('is this file’s, and works', async () => {
    const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
    const own = lines(await readFile(import.meta.filename, 'utf8'));
    for (const line of lines(/```ts\n(.*?)```/s.exec(readme)?.[1] ?? 'no example')) expect(own).toContain(line);

    await findBackends();
    await tf.setBackend('cpu');
    const root = await mkdtemp(join(tmpdir(), 'ktrdr-example-'));
    const setup: RunSetup = {
      spec: tinySpec(),
      specSha256: 'a'.repeat(64),
      dataset: tinyDataset(),
      backend: { name: 'cpu', version: tf.version_core },
    };
    const run = await example(setup, join(root, 'checkpoint'));
    expect(run.position).toEqual({ step: 2, epoch: 0, samples: 16 });
    run.dispose();
    await rm(root, { recursive: true });
  });
});

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tinySpec } from '../testing/tiny-dataset.js';
import { afterBatch, afterEpochEnd, initialProgress } from './training-progress.js';
import { decodeState, encodeState, STATE_FORMAT_VERSION, TRAINER, type TrainingState } from './training-state.js';

it('names the version of its package', async () => {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    version: string;
  };
  expect(TRAINER.version).toBe(version);
});

it('has the bytes that stored checkpoints have', () => {
  const spec = tinySpec({
    schedule: { kind: 'plateau', patience: 1, factor: 0.5 },
    early_stopping: { patience: 3, min_delta: 0.25 },
  });
  const batch = { loss: 0.5, correct: 6, examples: 8, ledger: 'b'.repeat(64) };
  const trained = afterBatch(initialProgress(spec), batch);
  const { progress } = afterEpochEnd(spec, trained, { loss: NaN, accuracy: 0.75 });
  const state: TrainingState = {
    ...afterBatch(progress, batch),
    format_version: STATE_FORMAT_VERSION,
    trainer: TRAINER,
    backend: { name: 'cpu', version: '4.22.0' },
    node: 'v24.0.0',
    spec_sha256: 'a'.repeat(64),
    data_fingerprint: 'f'.repeat(64),
    seed: 42,
  };
  const text = Buffer.from(encodeState(state)).toString();
  expect(text).toContain(
    '"schedule":{"base_rate":0.001,"plateau_rate":0.0005,"plateau":{"best":"Infinity","epochs_without":0}},' +
      '"early_stopping":{"best":"Infinity","epochs_without":1},"stopped_early":false,',
  );
  expect(createHash('sha256').update(text).digest('hex')).toBe(
    'd0062bf0fe6e3dcd26459f7b43398a93b28533589f695431d2103e3b8f6c17bc',
  );
  expect(decodeState(encodeState(state))).toEqual(state);
});

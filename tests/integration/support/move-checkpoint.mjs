/**
 * Stores a folder as a checkpoint and restores it, and prints the most memory that this process ever had resident:
 * `node move-checkpoint.mjs STORE_URL FOLDER INTO FILE…`. With `KTRDR_EARLY=1` it follows the files as if they were being
 * written.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointStore } from '@ktrdr/checkpoint';
import { openObjectStore } from '@ktrdr/object-store';

const [storeUrl = '', dir = '', into = '', ...files] = process.argv.slice(2);
const { S3_ACCESS_KEY: accessKeyId, S3_SECRET_KEY: secretAccessKey } = process.env;
const credentials = accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {};
const store = new CheckpointStore(openObjectStore(storeUrl, credentials));
const attempt = { operation_id: 'op_training_20261122_101500_large', attempt: 1 };
const follow = async () =>
  store.startEarly({
    ...attempt,
    dir,
    files: await Promise.all(files.map(async (name) => ({ name, bytes: (await stat(join(dir, name))).size }))),
    at: new Date(),
    isWritten: () => true,
    signal: new AbortController().signal,
  });
const uploaded = await store.upload({
  ...attempt,
  dir,
  files,
  early: process.env.KTRDR_EARLY ? await follow() : null,
  checkpoint_id: 'large',
  seq: 1,
  kind: 'periodic',
  step: 1,
  epoch: 0,
  created_at: new Date().toISOString(),
  spec_sha256: 'a'.repeat(64),
  data_fingerprint: 'b'.repeat(64),
  trainer: { name: 'test', version: '1' },
  backend: { name: 'none', version: '1' },
  metrics: {},
  parent_id: null,
});
const { bytes } = await store.restore({ ...uploaded, into });
const { valid } = await store.verify({ ...uploaded, depth: 'deep' });
const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile('/proc/self/status', 'utf8')) ?? [];
process.stdout.write(JSON.stringify({ bytes, valid, peakBytes: Number(kilobytes) * 1024 }));

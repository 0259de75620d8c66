import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { CheckpointStore } from '@ktrdr/checkpoint';
import { checkpointDraft } from '@ktrdr/checkpoint/testing';
import { openObjectStore } from '@ktrdr/object-store';
import { eventuallySeen } from '../support/eventually.js';
import { ANONYMOUS_CIPHER, type RunningS3, S3_CREDENTIALS, startS3, startTlsFront } from '../support/s3-server.js';

const MIB = 1024 * 1024;
const SCRIPT = join(import.meta.dirname, '..', 'support', 'move-checkpoint.mjs');
/** The server of these tests is slow; what is moved is moved in pieces whose number does not matter. */
const S3_MIB = Number(process.env['KTRDR_S3_MEBIBYTES'] ?? 256);

const LIMIT_MEGABYTES = 200;

interface Place {
  readonly url: string;
  /** Options of Node that a process needs to get there. */
  readonly options?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ktrdr-memory-'));
  await mkdir(join(dir, 'spool'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A file whose every mebibyte is another, so that nothing is stored once for many. */
async function givenFile(name: string, mebibytes: number): Promise<void> {
  const file = await open(join(dir, 'spool', name), 'wx');
  const block = randomBytes(MIB);
  for (let n = 0; n < mebibytes; n += 1) {
    block.writeUInt32LE(n, 0);
    await file.write(block);
  }
  await file.close();
}

async function givenFolder(): Promise<Place> {
  return { url: pathToFileURL(join(dir, 'store')).href, close: () => Promise.resolve() };
}

const givenFolderAhead = async (): Promise<Place> => ({ ...(await givenFolder()), env: { KTRDR_EARLY: '1' } });

const urlAt = ({ endpoint }: RunningS3) => `s3://memory/checkpoints?endpoint=${endpoint}&force_path_style=true`;

async function givenS3(): Promise<Place> {
  const server = await startS3({ directory: join(dir, 's3'), bucket: 'memory' });
  return { url: urlAt(server), close: () => server.close() };
}

async function givenS3OverTls(): Promise<Place> {
  const server = await startS3({ directory: join(dir, 's3'), bucket: 'memory' });
  const front = await startTlsFront(server);
  const options = [`--tls-cipher-list=${ANONYMOUS_CIPHER}`];
  return { url: urlAt(front), options, close: () => front.close().then(() => server.close()) };
}

it.each<[string, number, () => Promise<Place>]>([
  ['a folder', 1024, givenFolder],
  ['a folder, while it is written', 256, givenFolderAhead],
  ['S3', S3_MIB, givenS3],
  ['S3 over TLS', S3_MIB, givenS3OverTls],
])(
  `a process that stores, restores and verifies a large checkpoint in %s (%i MiB) never holds ${LIMIT_MEGABYTES} MB`,
  async (_name, mebibytes, givenPlace) => {
    await givenFile('weights.safetensors', mebibytes);
    const place = await givenPlace();
    const { NODE_OPTIONS: _, ...env } = process.env;
    const parameters = [place.url, join(dir, 'spool'), join(dir, 'into')];
    const command = [...(place.options ?? []), SCRIPT, ...parameters, 'weights.safetensors'];
    const { stdout } = await promisify(execFile)(process.execPath, command, {
      env: {
        ...env,
        ...place.env,
        S3_ACCESS_KEY: S3_CREDENTIALS.accessKeyId,
        S3_SECRET_KEY: S3_CREDENTIALS.secretAccessKey,
        NODE_TLS_REJECT_UNAUTHORIZED: '0',
      },
    }).finally(() => place.close());
    const { bytes, valid, peakBytes } = JSON.parse(stdout) as { bytes: number; valid: boolean; peakBytes: number };
    expect({ bytes, valid }).toEqual({ bytes: mebibytes * MIB, valid: true });
    expect(peakBytes).toBeLessThan(LIMIT_MEGABYTES * 1e6);
    process.stderr.write(
      `${mebibytes} MiB stored, restored and verified with at most ${Math.round(peakBytes / 1e6)} MB resident\n`,
    );
  },
);

it('a hundred saves and restores leave open files and memory where they were', async () => {
  await givenFile('weights.safetensors', 4);
  const store = new CheckpointStore(openObjectStore(pathToFileURL(join(dir, 'store')).href));
  const once = async (seq: number): Promise<void> => {
    const file = await open(join(dir, 'spool', 'weights.safetensors'), 'r+');
    await file.write(randomBytes(16), 0, 16, (seq % 4) * MIB);
    await file.close();
    const draft = checkpointDraft({ dir: join(dir, 'spool'), files: ['weights.safetensors'], seq });
    const uploaded = await store.upload(draft);
    await store.restore({ ...uploaded, into: join(dir, 'into') });
    const [saved, restored] = await Promise.all(
      ['spool', 'into'].map((folder) => readFile(join(dir, folder, 'weights.safetensors'))),
    );
    if (!saved!.equals(restored!)) throw new Error(`Save ${seq} came back with other bytes`);
    await rm(join(dir, 'into'), { recursive: true });
  };
  const openFiles = async () => (await readdir('/proc/self/fd')).length;
  for (let seq = 1; seq <= 10; seq += 1) await once(seq);
  const before = { files: await openFiles(), residentBytes: process.memoryUsage.rss() };
  for (let seq = 11; seq <= 110; seq += 1) await once(seq);
  await eventuallySeen(openFiles, (files) => files <= before.files, { what: 'open files are as many as before' });
  expect(process.memoryUsage.rss() - before.residentBytes).toBeLessThan(100 * MIB);
});

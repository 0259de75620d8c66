import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CheckpointStore, mapParallel, PART_BYTES } from '@ktrdr/checkpoint';
import { openObjectStore } from '@ktrdr/object-store';
import type { Bench } from '../bench.js';
import { beside, timed } from '../beside.js';
import { inFolder, POSITION } from '../training-state.js';

const PARTS = 16;
const AT_ONCE = 4;
const CREDENTIALS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
const SERVER = join(import.meta.dirname, '..', '..', 'reference', 's3-server.mjs');
/** Of the time: throughput of nine tenths. */
const LIMIT = { of: 'ratio', is: '<=', limit: 1 / 0.9 } as const;

async function startServer(directory: string) {
  const server = spawn(process.execPath, [SERVER, directory, 'bench'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(server.stdout, 'data')) as [Buffer];
  const close = async (): Promise<void> => {
    server.kill();
    await once(server, 'exit');
  };
  return { endpoint: `http://127.0.0.1:${port.toString().trim()}`, close };
}

/** A checkpoint of 128 MiB to an S3 server and back, against the bare SDK with parts of the same size. */
export const s3: Bench = {
  name: 's3',
  run: () =>
    inFolder(async (folder) => {
      const server = await startServer(join(folder, 'buckets'));
      const { endpoint } = server;
      const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: CREDENTIALS });
      const store = new CheckpointStore(
        openObjectStore(`s3://bench/own?endpoint=${endpoint}&force_path_style=true`, { credentials: CREDENTIALS }),
      );
      const dir = join(folder, 'spool');
      const path = join(dir, 'weights.bin');
      const into = join(folder, 'into');
      await mkdir(dir);
      const parts = Array.from({ length: PARTS }, (_, part) => part);
      const Bucket = 'bench';
      let seq = 0;
      let bare = 0;
      let sent = Buffer.alloc(0);
      let stored = { manifestKey: '', manifestSha256: '' };
      try {
        const upload = await beside({
          async own() {
            seq += 1;
            sent = randomBytes(PARTS * PART_BYTES);
            await writeFile(path, sent);
            const draft = { ...POSITION, attempt: 1, seq, created_at: new Date().toISOString(), dir };
            return timed(async () => (stored = await store.upload({ ...draft, files: ['weights.bin'] })));
          },
          async reference() {
            bare += 1;
            await writeFile(path, randomBytes(PARTS * PART_BYTES));
            const name = `bare-${bare}`;
            return timed(async () => {
              const file = await open(path);
              await mapParallel(parts, AT_ONCE, async (part) => {
                const Body = Buffer.allocUnsafeSlow(PART_BYTES);
                await file.read(Body, 0, PART_BYTES, part * PART_BYTES);
                await client.send(new PutObjectCommand({ Bucket, Key: `${name}/${part}`, Body }));
              });
              await file.close();
            });
          },
        });
        const download = await beside({
          async own() {
            await rm(into, { recursive: true, force: true });
            return timed(() => store.restore({ ...stored, into }));
          },
          reference: () =>
            timed(async () => {
              const file = await open(join(folder, 'bare'), 'w');
              await mapParallel(parts, AT_ONCE, async (part) => {
                const Key = `bare-${bare}/${part}`;
                const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
                await file.write(
                  (await Body?.transformToByteArray()) ?? Buffer.alloc(0),
                  0,
                  PART_BYTES,
                  part * PART_BYTES,
                );
              });
              await file.close();
            }),
        });
        if (!sent.equals(await readFile(join(into, 'weights.bin')))) throw new Error('other bytes came back');
        const against = (value: number) => ({ name: 'bare SDK, same parts', value });
        return [
          { figure: '128 MiB up', value: upload.own, unit: 'ms', reference: against(upload.reference), bar: LIMIT },
          {
            figure: '128 MiB down',
            value: download.own,
            unit: 'ms',
            reference: against(download.reference),
            bar: LIMIT,
          },
        ];
      } finally {
        client.destroy();
        await server.close();
      }
    }),
};

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../stack/free-port.js';
import { type NatsKeys, natsKeys } from '../stack/nats-keys.js';
import { startNats } from '../stack/nats-server.js';
import { startPostgres } from '../stack/postgres.js';

/** One service that tests use: where it is and how to end it. */
export type TestService = Readonly<{
  url: string;
  /** Of NATS: the folder with its keys. */
  keys?: string;
  /** Which kind it is, for the one line that a run prints. */
  origin: string;
  /** Processes to end when this one is interrupted. */
  pids: readonly number[];
  /** Its folder, which then goes too. */
  folder?: string;
  close(): Promise<void>;
}>;

export async function scratchFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `ktrdr-test-${name}-`));
  await chmod(folder, 0o711); // as root, PostgreSQL runs as somebody else
  return folder;
}

/** A PostgreSQL for one run of the tests. Without fsync: it may lose data when the machine dies, not when a process does. */
export async function embeddedPostgres(): Promise<TestService> {
  const folder = await scratchFolder('postgres');
  const postgres = await startPostgres({
    dataDir: join(folder, 'data'),
    logFile: join(folder, 'postgres.log'),
    password: 'test',
    port: await freePort(),
    settings: { fsync: 'off', full_page_writes: 'off', max_wal_size: '256MB' },
  });
  const close = async (): Promise<void> => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { url: postgres.url('postgres'), origin: 'embedded', pids: [postgres.process.pid], folder, close };
}

/** Permissions for every prefix: each test file has one of its own on the same server. */
export function testKeys(folder: string): Promise<NatsKeys> {
  return natsKeys(folder, '*');
}

/** A NATS server for one run of the tests. */
export async function embeddedNats(report: (line: string) => void): Promise<TestService> {
  const folder = await scratchFolder('nats');
  const port = await freePort();
  const keys = await testKeys(join(folder, 'keys'));
  const place = { configFile: join(folder, 'nats.conf'), logFile: join(folder, 'nats.log') };
  const nats = await startNats({ ...place, keys, port }, report);
  const close = async (): Promise<void> => {
    await nats.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const url = `nats://127.0.0.1:${port}`;
  return { url, keys: join(folder, 'keys'), origin: 'embedded', pids: [nats.pid], folder, close };
}

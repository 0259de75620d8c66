import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../stack/free-port.js';
import { startNats } from '../stack/nats-server.js';
import { startPostgres } from '../stack/postgres.js';

/** One service that tests use: where it is and how to end it. */
export type TestService = Readonly<{
  url: string;
  token?: string;
  /** Which kind it is, for the one line that a run prints. */
  origin: string;
  /** Processes to end when this one is interrupted. */
  pids: readonly number[];
  /** Its folder, which then goes too. */
  folder?: string;
  close(): Promise<void>;
}>;

async function scratchFolder(name: string): Promise<string> {
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

/** A NATS server for one run of the tests. */
export async function embeddedNats(report: (line: string) => void): Promise<TestService> {
  const folder = await scratchFolder('nats');
  const port = await freePort();
  const token = 'test-token';
  const place = {
    configFile: join(folder, 'nats.conf'),
    logFile: join(folder, 'nats.log'),
  };
  const nats = await startNats({ ...place, token, port }, report);
  const close = async (): Promise<void> => {
    await nats.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { url: `nats://127.0.0.1:${port}`, token, origin: 'embedded', pids: [nats.pid], folder, close };
}

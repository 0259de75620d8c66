import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { inRepository } from '../repository.js';
import type { NatsKeys } from './nats-keys.js';
import { startPart } from './part-process.js';
import type { PartProcess } from './part-process.js';
import { untilReady } from './readiness.js';

const run = promisify(execFile);

const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];
const CACHE = inRepository('.cache', 'nats-server');

const NOT_FOUND =
  'There is no nats-server on this machine, and it could not be fetched with apt. ' +
  'Install it (Debian, Ubuntu: apt-get install nats-server; macOS: brew install nats-server), or download the release ' +
  'for your system from https://github.com/nats-io/nats-server/releases, check its SHA-256 and put it on PATH.';

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function findIn(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, 'nats-server');
    if (folder !== '' && (await isExecutable(path))) return path;
  }
  return undefined;
}

/** Debian's package, unpacked into the cache: nothing is installed, and no root rights are needed. */
async function unpackWithApt(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ktrdr-nats-'));
  try {
    const download = () => run('apt-get', ['download', 'nats-server'], { cwd: folder });
    await download().catch(async (cause: unknown) => {
      // A bare machine has no package lists; only root may fetch them.
      if (process.getuid?.() !== 0) throw cause;
      await run('apt-get', ['update', '-qq']);
      await download();
    });
    const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
    if (archive === undefined) throw new Error('apt-get download left no package');
    await mkdir(CACHE, { recursive: true });
    await run('dpkg', ['-x', join(folder, archive), CACHE]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Path of a nats-server: of the system, of the cache, or fetched into the cache now. */
export async function findNatsServer(report: (line: string) => void = () => undefined): Promise<string> {
  const cached = [join(CACHE, 'usr', 'sbin'), join(CACHE, 'usr', 'bin')];
  const present = await findIn([...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS, ...cached]);
  if (present !== undefined) return present;
  report('nats-server is not installed; fetching it with apt into .cache');
  try {
    await unpackWithApt();
  } catch (cause) {
    throw new Error(NOT_FOUND, { cause });
  }
  const fetched = await findIn(cached);
  if (fetched === undefined) throw new Error(NOT_FOUND);
  return fetched;
}

export type NatsPlace = Readonly<{
  configFile: string;
  logFile: string;
  keys: Pick<NatsKeys, 'config'>;
  port: number;
  signal?: AbortSignal | undefined;
}>;

/** The server speaks first, with a line that begins with INFO. */
function readInfo(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(1_000, () => socket.destroy(new Error('no INFO')));
    socket.once('data', (chunk) => {
      socket.destroy();
      if (chunk.toString().startsWith('INFO ')) resolve();
      else reject(new Error('it is no NATS server'));
    });
    socket.once('error', reject);
  });
}

/** Starts a NATS server that keeps nothing and lets in whom its keys have admitted. */
export async function startNats(place: NatsPlace, report?: (line: string) => void): Promise<PartProcess> {
  const { configFile, logFile, keys, port, signal } = place;
  const command = await findNatsServer(report);
  await writeFile(configFile, keys.config(port));
  const nats = await startPart({ name: 'NATS', command, args: ['-c', configFile], logFile });
  await untilReady(nats, { probe: () => readInfo(port), deadlineMs: 15_000, signal });
  return nats;
}

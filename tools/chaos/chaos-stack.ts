import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { applyMigrations } from '@ktrdr/migrate';
import { freePort } from '../stack/free-port.js';
import { natsKeys } from '../stack/nats-keys.js';
import { startNats } from '../stack/nats-server.js';
import { layOut, type Place, secret } from '../stack/place.js';
import { startPostgres } from '../stack/postgres.js';
import { startApiProcess, startWorkerProcess, untilRegistered, type Addresses } from '../stack/services.js';
import { childrenOf, trySignal } from './process-children.js';
import { RestartablePart } from './restartable-part.js';
import { TcpProxy } from './tcp-proxy.js';

/** Short, so that dead workers are found out often; what is true for it is true for a longer one. */
export const LEASE_MS = 2_000;
const TIMING = { KTRDR_LEASE_SECONDS: `${LEASE_MS / 1000}`, KTRDR_HEARTBEAT_SECONDS: '0.5' };
const DATABASE = 'ktrdr';

/** A connection of the stack on which the network can fail. */
export interface Link {
  readonly name: string;
  readonly proxy: TcpProxy;
}

interface Api {
  readonly part: RestartablePart;
  readonly url: string;
  /** Its way to NATS. */
  readonly nats: TcpProxy;
}

/** A whole deployment of several replicas and workers, every part of which can be taken away. */
export interface ChaosStack {
  readonly place: Place;
  readonly postgres: RestartablePart;
  readonly nats: RestartablePart;
  readonly apis: readonly Api[];
  readonly workers: readonly RestartablePart[];
  readonly links: readonly Link[];
  readonly token: string;
  /** Straight to the database, past every link. */
  readonly databaseUrl: string;
  readonly objectsFolder: string;
  /** Everything that can end by itself although it should not. */
  readonly parts: readonly RestartablePart[];
  /** What parts have started and what is stopped at the moment: it would outlive even its parent. */
  readonly frozenChildren: Set<number>;
  /** Ends everything; the folder stays. */
  close(): Promise<void>;
  /** The same from an exit handler: now, and without waiting. */
  killNow(): void;
  removeFolder(): Promise<void>;
}

export interface StackSize {
  readonly workers: number;
  readonly apis: number;
}

/** Starts everything in a temporary folder. What has been started is ended again when the rest does not come up. */
export async function startChaosStack(size: StackSize, onStarted: (stack: ChaosStack) => void): Promise<ChaosStack> {
  const folder = await mkdtemp(join(tmpdir(), 'ktrdr-chaos-'));
  await chmod(folder, 0o711); // as root, PostgreSQL runs as somebody else
  const place = await layOut(join(folder, 'data'));
  const [password, token, enrolToken, keys] = await Promise.all([
    secret(place, 'postgres-password'),
    secret(place, 'api-token'),
    secret(place, 'enrol-token'),
    natsKeys(place.secrets, 'ktrdr'),
  ]);
  const closing = new AbortController();
  const { signal } = closing;
  const ports = { postgres: await freePort(), nats: await freePort() };
  const databaseUrl = `postgresql://ktrdr:${password}@127.0.0.1:${ports.postgres}/${DATABASE}`;

  const postgres = new RestartablePart('postgres', async () => {
    const server = await startPostgres({
      dataDir: place.postgres,
      logFile: place.log('postgres'),
      password,
      port: ports.postgres,
      signal,
    });
    await server.ensureDatabase(DATABASE);
    return server.process;
  });
  const nats = new RestartablePart('nats', () => {
    const files = { configFile: join(place.secrets, 'nats.conf'), logFile: place.log('nats') };
    return startNats({ ...files, keys, port: ports.nats, signal });
  });

  const links: Link[] = [];
  const link = async (name: string, port: number): Promise<TcpProxy> => {
    const proxy = await TcpProxy.before(port);
    links.push({ name, proxy });
    return proxy;
  };
  const addressesThrough = (natsPort: number, databasePort = ports.postgres): Addresses => ({
    databaseUrl: databaseUrl.replace(`:${ports.postgres}/`, `:${databasePort}/`),
    natsUrl: `nats://127.0.0.1:${natsPort}`,
    natsCredsFile: keys.credsFile,
    natsSigningKeyFile: keys.signingKeyFile,
    enrolToken,
    natsPrefix: 'ktrdr',
    objectStoreUrl: pathToFileURL(place.objects).href,
  });
  const api = async (name: string): Promise<Api> => {
    const port = await freePort();
    const toNats = await link(`${name}-nats`, ports.nats);
    const addresses = addressesThrough(toNats.port, (await link(`${name}-postgres`, ports.postgres)).port);
    const start = () =>
      startApiProcess({ addresses, port, token, logFile: place.log(name), name, env: TIMING, signal });
    return { part: new RestartablePart(name, start), url: `http://127.0.0.1:${port}`, nats: toNats };
  };
  const worker = async (id: string): Promise<RestartablePart> => {
    const addresses = addressesThrough((await link(`${id}-nats`, ports.nats)).port);
    const dir = place.workerDir(id);
    await mkdir(dir, { recursive: true });
    const apiUrl = apis[0]?.url ?? '';
    return new RestartablePart(id, () => startWorkerProcess({ addresses, apiUrl, id, dir, logFile: place.log(id) }));
  };
  const apis = await inOrder(size.apis, (n) => api(`api-${n}`));
  const workers = await inOrder(size.workers, (n) => worker(`w${n}`));
  const parts = [postgres, nats, ...apis.map(({ part }) => part), ...workers];

  const stack: ChaosStack = {
    place,
    postgres,
    nats,
    apis,
    workers,
    links,
    token,
    databaseUrl,
    objectsFolder: place.objects,
    parts,
    frozenChildren: new Set(),
    async close() {
      closing.abort();
      await Promise.all(workers.map((part) => closeWorker(part)));
      await Promise.all(apis.map(({ part }) => part.close((process) => process.kill())));
      await nats.close((process) => process.kill());
      await postgres.close((process) => process.stop({ signal: 'SIGQUIT', deadlineMs: 10_000 }));
      await Promise.all(links.map(({ proxy }) => proxy.close()));
    },
    killNow() {
      for (const pid of stack.frozenChildren) trySignal(pid, 'SIGKILL');
      for (const part of parts) part.killNow(part === postgres ? 'SIGQUIT' : 'SIGKILL');
    },
    removeFolder: () => rm(folder, { recursive: true, force: true }),
  };
  onStarted(stack);
  await Promise.all([postgres.start(), nats.start()]);
  await applyMigrations({ databaseUrl });
  await Promise.all(apis.map(({ part }) => part.start()));
  await Promise.all(workers.map((part) => part.start()));
  await untilUp(stack);
  return stack;
}

/** Waits until the API lists every worker under its present process. */
async function untilUp({ apis, workers, token }: ChaosStack): Promise<void> {
  const processes = workers.flatMap(({ running }) => running ?? []);
  await untilRegistered({ apiUrl: apis[0]?.url ?? '', token, workers: processes });
}

/** Trainers are in groups of their own, and one that is frozen does not notice that its supervisor is gone. */
async function closeWorker(worker: RestartablePart): Promise<void> {
  const { running } = worker;
  const trainers = running ? await childrenOf(running.pid) : [];
  await worker.close((process) => process.kill());
  for (const pid of trainers) trySignal(pid, 'SIGKILL');
}

async function inOrder<T>(count: number, make: (n: number) => Promise<T>): Promise<readonly T[]> {
  const made: T[] = [];
  for (let n = 1; n <= count; n += 1) made.push(await make(n));
  return made;
}

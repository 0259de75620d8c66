import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from '@ktrdr/api-client';
import { NatsSession, type NatsUser, Nkey, signNatsJwt, workerUser } from '@ktrdr/messaging-nats';
import pg from 'pg';
import { freePort } from '#tools/stack/free-port.js';
import { natsKeys } from '#tools/stack/nats-keys.js';
import { startNats } from '#tools/stack/nats-server.js';
import { onUnexpectedEnd, type PartProcess } from '#tools/stack/part-process.js';
import { printingReport } from '#tools/stack/report.js';
import { enrolTokenFor, startWorkerProcess, untilRegistered } from '#tools/stack/services.js';
import { startStack, type Stack } from '#tools/stack/stack.js';
import { HttpClient } from './http-client.js';
import { WorkerLog } from './worker-log.js';

/** A worker of a pool of its own. */
export type BenchWorker = Readonly<{
  id: string;
  pool: string;
  log: WorkerLog;
  stop(): Promise<void>;
  /** Ends it without warning; nobody takes that for a fault of the bench. */
  kill(): Promise<void>;
}>;

/** What a bench measures on: the embedded stack as `npm run stack` starts it, with fsync, in a folder of its own. */
export type BenchServices = Readonly<{
  client(connections: number): HttpClient;
  /** Starts a worker and waits until the API gives it work; `id` where a pool has several. */
  startWorker(pool: string, id?: string): Promise<BenchWorker>;
  /** Enrols a worker that is no process. */
  workerUser(workerId: string, pool: string): Promise<NatsUser>;
  /** A connection of it to the stack's NATS. */
  workerSession(user: NatsUser): Promise<NatsSession>;
  /** A connection that may speak for every worker: only a bench is given one. */
  sessionOfAnyWorker(): Promise<NatsSession>;
  /** Kills NATS, and starts an empty one on the same port so much later. */
  replaceNats(awayMs: number): Promise<void>;
  apiPid: number;
  /** What `/metrics` says now, summed over labels. */
  metric(name: string): Promise<number>;
  /** An empty database on the same PostgreSQL, for a reference; its address. */
  newDatabase(name: string): Promise<string>;
  /** Removed at the end. */
  folder: string;
  logFile(name: string): string;
  /** Rejects when a part dies that nobody asked to. */
  broken: Promise<never>;
  onClose(work: () => Promise<unknown>): void;
  close(): Promise<void>;
}>;

type Say = (line: string) => void;

async function recreateDatabase(serverUrl: string, name: string): Promise<string> {
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  try {
    await admin.query(`DROP DATABASE IF EXISTS ${admin.escapeIdentifier(name)} WITH (FORCE)`);
    await admin.query(`CREATE DATABASE ${admin.escapeIdentifier(name)}`);
  } finally {
    await admin.end();
  }
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

function rejectOnUnexpectedEnd() {
  const { promise: broken, reject } = Promise.withResolvers<never>();
  broken.catch(() => undefined); // raced against the benches, which may all have ended by then
  const watch = (parts: readonly PartProcess[]): void =>
    onUnexpectedEnd(parts, (_, what) => reject(new Error(`A bench needs every part, but ${what}`)));
  return { broken, watch };
}

/** Starts everything; what has been started is ended again when the rest does not come up, or `signal` is aborted. */
export async function openServices(say: Say, signal: AbortSignal): Promise<BenchServices> {
  const folder = await mkdtemp(join(tmpdir(), 'ktrdr-bench-'));
  await chmod(folder, 0o711); // as root, PostgreSQL runs as somebody else
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const options = { workers: 0, dataDir: join(folder, 'data'), readyFile: undefined, keepGoing: false };
  let stack: Stack;
  try {
    stack = await startStack({ ...options, port: await freePort() }, printingReport(say), signal);
  } catch (cause) {
    await removeFolder();
    throw cause;
  }
  const { ready, place } = stack;
  const { broken, watch } = rejectOnUnexpectedEnd();
  watch(stack.core);
  const { nats } = ready.pids;
  let natsServer = stack.core.find(({ pid }) => pid === nats);
  const closing: (() => Promise<unknown>)[] = [];
  const onClose = (work: () => Promise<unknown>): void => void closing.push(work);
  const enrolTokens = new Map<string, Promise<string>>();
  const enrolTokenOf = (pool: string): Promise<string> => {
    const known = enrolTokens.get(pool) ?? enrolTokenFor(pool, { apiUrl: ready.api_url, token: ready.api_token });
    enrolTokens.set(pool, known);
    return known;
  };
  const connect = async (user: NatsUser): Promise<NatsSession> => {
    const { natsUrl: servers, natsPrefix: prefix } = addresses;
    const session = await NatsSession.connect({ servers, prefix, name: 'bench', user }, { signal });
    onClose(() => session.close());
    return session;
  };
  const addresses = {
    databaseUrl: ready.database_url,
    natsUrl: ready.nats_url,
    natsCredsFile: ready.nats_creds_file,
    natsSigningKeyFile: ready.nats_signing_key_file,
    enrolToken: ready.enrol_token,
    natsPrefix: 'ktrdr',
    objectStoreUrl: ready.object_store,
  };
  return {
    broken,
    onClose,
    folder,
    logFile: place.log,
    client(connections) {
      const client = new HttpClient(ready.api_url, ready.api_token, connections);
      onClose(() => Promise.resolve(client.close()));
      return client;
    },
    async startWorker(pool, id = `bench-${pool}`) {
      const dir = place.workerDir(id);
      await mkdir(dir, { recursive: true });
      const own = { ...addresses, enrolToken: await enrolTokenOf(pool) };
      const apiUrl = ready.api_url;
      const worker = await startWorkerProcess({ addresses: own, apiUrl, id, dir, logFile: place.log(id) });
      onClose(() => worker.kill());
      watch([worker]);
      await untilRegistered({ apiUrl: ready.api_url, token: ready.api_token, workers: [worker], signal });
      return {
        id,
        pool,
        log: new WorkerLog(place.log(id)),
        stop: async () => void (await worker.stop()),
        kill: async () => void (await worker.kill()),
      };
    },
    async workerUser(workerId, pool) {
      const key = Nkey.generate('user');
      const enrolling = new ApiClient({ url: ready.api_url, token: await enrolTokenOf(pool) });
      const { jwt } = await enrolling.enrolWorker({ nkey: key.publicKey, worker_id: workerId });
      return workerUser(key, () => jwt);
    },
    workerSession: connect,
    async sessionOfAnyWorker() {
      const key = Nkey.generate('user');
      const nats = { type: 'user', subs: -1, data: -1, payload: -1, pub: {}, sub: {} };
      const issuedAt = Math.floor(Date.now() / 1000);
      const claims = { subject: key.publicKey, name: 'bench', issuedAt, expiresAt: null, nats };
      const { seeds } = await natsKeys(place.secrets, addresses.natsPrefix);
      const jwt = signNatsJwt(claims, Nkey.fromSeed('account', seeds.account));
      return connect(workerUser(key, () => jwt));
    },
    async replaceNats(awayMs) {
      await natsServer?.kill();
      await delay(awayMs);
      const keys = await natsKeys(place.secrets, addresses.natsPrefix);
      const port = Number(new URL(ready.nats_url).port);
      const server = await startNats({
        configFile: join(place.secrets, 'nats.conf'),
        logFile: place.log('nats'),
        keys,
        port,
      });
      watch([server]);
      natsServer = server;
    },
    apiPid: ready.pids.api,
    async metric(name) {
      const reply = await fetch(`${ready.api_url}/metrics`, {
        headers: { authorization: `Bearer ${ready.api_token}` },
      });
      const lines = (await reply.text()).split('\n').filter((line) => line.startsWith(name));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    },
    newDatabase: (name) => recreateDatabase(ready.database_url, name),
    async close() {
      for (const work of closing.reverse()) await work().catch((error: unknown) => say(String(error)));
      await natsServer?.kill();
      await stack.kill();
      await removeFolder();
    },
  };
}

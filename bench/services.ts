import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from '@ktrdr/api-client';
import { NatsSession, type NatsUser, Nkey, workerUser } from '@ktrdr/messaging-nats';
import pg from 'pg';
import { freePort } from '#tools/stack/free-port.js';
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
  /** An empty database on the same PostgreSQL, for a reference; its address. */
  newDatabase(name: string): Promise<string>;
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
  const closing: (() => Promise<unknown>)[] = [];
  const onClose = (work: () => Promise<unknown>): void => void closing.push(work);
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
    logFile: place.log,
    client(connections) {
      const client = new HttpClient(ready.api_url, ready.api_token, connections);
      onClose(() => Promise.resolve(client.close()));
      return client;
    },
    async startWorker(pool, id = `bench-${pool}`) {
      const dir = place.workerDir(id);
      await mkdir(dir, { recursive: true });
      const enrolToken = await enrolTokenFor(pool, { apiUrl: ready.api_url, token: ready.api_token });
      const own = { ...addresses, enrolToken };
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
      const token = await enrolTokenFor(pool, { apiUrl: ready.api_url, token: ready.api_token });
      const enrolling = new ApiClient({ url: ready.api_url, token });
      const { jwt } = await enrolling.enrolWorker({ nkey: key.publicKey, worker_id: workerId });
      return workerUser(key, () => jwt);
    },
    async workerSession(user) {
      const { natsUrl: servers, natsPrefix: prefix } = addresses;
      const session = await NatsSession.connect({ servers, prefix, name: 'bench', user }, { signal });
      onClose(() => session.close());
      return session;
    },
    newDatabase: (name) => recreateDatabase(ready.database_url, name),
    async close() {
      for (const work of closing.reverse()) await work().catch((error: unknown) => say(String(error)));
      await stack.kill();
      await removeFolder();
    },
  };
}

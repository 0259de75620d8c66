import { ApiClient } from '@ktrdr/api-client';
import { setTimeout as delay } from 'node:timers/promises';
import { inRepository } from '../repository.js';
import { startPart } from './part-process.js';
import type { PartProcess } from './part-process.js';
import { tailOf, untilReady } from './readiness.js';

/** Addresses that the API and the workers are given. */
export type Addresses = Readonly<{
  databaseUrl: string;
  natsUrl: string;
  /** What the API is on NATS, and what it makes workers with. */
  natsCredsFile: string;
  natsSigningKeyFile: string;
  /** Makes workers of the pool `default`, any number. */
  enrolToken: string;
  natsPrefix: string;
  objectStoreUrl: string;
}>;

/** The environment of a part: ours without what only concerns this process. */
function environment(own: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _ours, ...inherited } = process.env;
  return { LOG_LEVEL: 'info', ...inherited, ...own };
}

function commonEnvironment({ natsUrl, natsPrefix, objectStoreUrl, enrolToken }: Addresses) {
  return {
    KTRDR_NATS_URL: natsUrl,
    KTRDR_ENROL_TOKEN: enrolToken,
    KTRDR_NATS_PREFIX: natsPrefix,
    KTRDR_OBJECT_STORE_URL: objectStoreUrl,
  };
}

export type ApiPlace = Readonly<{
  addresses: Addresses;
  port: number;
  token: string;
  logFile: string;
  name?: string;
  /** What Node.js runs; the API's own entry point when not said. */
  program?: readonly string[] | undefined;
  env?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}>;

/** Starts the API and waits until it says that it is ready. */
export async function startApiProcess({
  addresses,
  port,
  token,
  logFile,
  name = 'API',
  program = [inRepository('apps', 'api', 'dist', 'main.js')],
  env,
  signal,
}: ApiPlace): Promise<PartProcess> {
  const api = await startPart({
    name,
    command: process.execPath,
    args: program,
    logFile,
    env: environment({
      ...commonEnvironment(addresses),
      KTRDR_NATS_CREDS_FILE: addresses.natsCredsFile,
      KTRDR_NATS_SIGNING_KEY_FILE: addresses.natsSigningKeyFile,
      KTRDR_DATABASE_URL: addresses.databaseUrl,
      KTRDR_API_TOKEN: token,
      KTRDR_HTTP_HOST: '127.0.0.1',
      KTRDR_HTTP_PORT: `${port}`,
      ...env,
    }),
  });
  const probe = async (): Promise<void> => {
    const reply = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(5_000) });
    if (!reply.ok) throw new Error(`/health/ready answers ${reply.status}: ${await reply.text()}`);
  };
  await untilReady(api, { probe, deadlineMs: 60_000, signal });
  return api;
}

export type WorkerPlace = Readonly<{
  addresses: Addresses;
  apiUrl: string;
  id: string;
  dir: string;
  logFile: string;
  /** What Node.js runs; the worker's own entry point when not said. */
  program?: readonly string[] | undefined;
  env?: Readonly<Record<string, string>>;
}>;

/** Else V8 lets the heap of short-lived objects grow to 128 MB, and keeps it, where events wait by the million. */
const YOUNG_HEAP = '--max-semi-space-size=16';

/** Starts a worker; `untilRegistered` tells when the API knows it. */
export function startWorkerProcess({
  addresses,
  apiUrl,
  id,
  dir,
  logFile,
  program = [YOUNG_HEAP, inRepository('apps', 'training-worker', 'dist', 'main.js')],
  env,
}: WorkerPlace): Promise<PartProcess> {
  return startPart({
    name: `worker ${id}`,
    command: process.execPath,
    args: program,
    logFile,
    env: environment({
      KTRDR_DATA_ROOTS: inRepository('examples'),
      ...commonEnvironment(addresses),
      KTRDR_API_URL: apiUrl,
      KTRDR_WORKER_ID: id,
      KTRDR_WORKER_DIR: dir,
      ...env,
    }),
  });
}

/** A token that makes workers of another pool than `default`. */
export async function enrolTokenFor(
  pool: string,
  { apiUrl, token }: Readonly<{ apiUrl: string; token: string }>,
): Promise<string> {
  return (await new ApiClient({ url: apiUrl, token }).allowWorkers({ pool, uses: 10_000 })).token;
}

type RegisteredWorker = Readonly<{ worker_id: string; pid: number; status: string }>;

async function registeredWorkers(apiUrl: string, token: string): Promise<readonly RegisteredWorker[]> {
  const headers = { authorization: `Bearer ${token}` };
  const reply = await fetch(`${apiUrl}/workers`, { headers, signal: AbortSignal.timeout(5_000) });
  if (!reply.ok) throw new Error(`GET /workers answers ${reply.status}`);
  return ((await reply.json()) as { readonly items: readonly RegisteredWorker[] }).items;
}

export type Registration = Readonly<{
  apiUrl: string;
  token: string;
  workers: readonly PartProcess[];
  deadlineMs?: number;
  signal?: AbortSignal | undefined;
}>;

/** Waits until the API lists each of these processes as a worker it can give work to. */
export async function untilRegistered({
  apiUrl,
  token,
  workers,
  deadlineMs = 60_000,
  signal,
}: Registration): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    signal?.throwIfAborted();
    const known = await registeredWorkers(apiUrl, token).catch(() => []);
    const isUp = ({ pid }: PartProcess): boolean =>
      known.some((worker) => worker.pid === pid && ['available', 'busy'].includes(worker.status));
    const missing = workers.find((worker) => !isUp(worker));
    if (missing === undefined) return;
    if (missing.hasExited() || Date.now() > deadline) {
      const what = missing.hasExited() ? 'ended while starting' : 'did not register with the API';
      throw new Error(`${missing.name} ${what}. End of ${missing.logFile}:\n${await tailOf(missing)}`);
    }
    await delay(50);
  }
}

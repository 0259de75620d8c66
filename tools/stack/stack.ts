import { pathToFileURL } from 'node:url';
import { applyMigrations } from '@ktrdr/migrate';
import { endOrphan, lockDataDir } from './data-dir-lock.js';
import type { DataDirLock } from './data-dir-lock.js';
import { natsKeys } from './nats-keys.js';
import { startNats } from './nats-server.js';
import type { StackOptions } from './options.js';
import type { PartProcess } from './part-process.js';
import { choosePorts, layOut, secret } from './place.js';
import type { Place, Ports } from './place.js';
import { startPostgres } from './postgres.js';
import type { ReadyFile } from './ready-file.js';
import { startApiProcess, startWorkerProcess, untilRegistered } from './services.js';
import type { Addresses } from './services.js';

const DATABASE = 'ktrdr';
const NATS_PREFIX = 'ktrdr';

/** Says what happens while it happens. */
export type StackReport = Readonly<{
  /** Resolves to what the work resolves to; prints what it was and how long it took. */
  during<T>(what: string, work: () => Promise<T>, result?: (value: T) => string): Promise<T>;
  line(text: string): void;
}>;

/** A running stack. */
export type Stack = Readonly<{
  ready: ReadyFile;
  place: Place;
  /** Those without which the stack is of no use. */
  core: readonly PartProcess[];
  workers: readonly PartProcess[];
  /** Ends everything in order: workers (they save), API, NATS, PostgreSQL. */
  stop(): Promise<void>;
  /** Ends everything at once. */
  kill(): Promise<void>;
}>;

type Started = { postgres?: PartProcess; nats?: PartProcess; api?: PartProcess; workers: PartProcess[] };

const WORKER_STOP_MS = 40_000;

async function stopAll({ postgres, nats, api, workers }: Started, report: StackReport): Promise<void> {
  const stopping = async (part: PartProcess | undefined, options?: Parameters<PartProcess['stop']>[0]) => {
    if (part === undefined || part.hasExited()) return;
    await report.during(`stopping ${part.name}`, () => part.stop(options));
  };
  await Promise.all(workers.map((worker) => stopping(worker, { deadlineMs: WORKER_STOP_MS })));
  await stopping(api);
  await stopping(nats);
  await stopping(postgres, { signal: 'SIGINT', deadlineMs: 20_000 });
}

async function killAll({ postgres, nats, api, workers }: Started): Promise<void> {
  const parts = [...workers, api, nats].filter((part) => part !== undefined);
  await Promise.all(parts.map((part) => part.kill()));
  await postgres?.stop({ signal: 'SIGQUIT', deadlineMs: 5_000 }); // at once; it recovers from its log next time
}

type Plan = Readonly<{
  options: StackOptions;
  place: Place;
  ports: Ports;
  lock: DataDirLock;
  report: StackReport;
  signal: AbortSignal | undefined;
}>;

async function startParts({ options, place, ports, lock, report, signal }: Plan, started: Started): Promise<ReadyFile> {
  const [password, apiToken, enrolToken, keys] = await Promise.all([
    secret(place, 'postgres-password'),
    secret(place, 'api-token'),
    secret(place, 'enrol-token'),
    natsKeys(place.secrets, NATS_PREFIX),
  ]);
  const postgres = await report.during(
    'PostgreSQL',
    () =>
      startPostgres({
        dataDir: place.postgres,
        logFile: place.log('postgres'),
        password,
        port: ports.postgres,
        signal,
      }),
    () => `127.0.0.1:${ports.postgres}`,
  );
  started.postgres = postgres.process;
  await lock.record('PostgreSQL', postgres.process.pid);
  const configFile = `${place.secrets}/nats.conf`;
  started.nats = await report.during(
    'NATS',
    () => startNats({ configFile, logFile: place.log('nats'), keys, port: ports.nats }, report.line),
    () => `127.0.0.1:${ports.nats}`,
  );
  await lock.record('NATS', started.nats.pid);
  await postgres.ensureDatabase(DATABASE);
  const addresses: Addresses = {
    databaseUrl: postgres.url(DATABASE),
    natsUrl: `nats://127.0.0.1:${ports.nats}`,
    natsCredsFile: keys.credsFile,
    natsSigningKeyFile: keys.signingKeyFile,
    enrolToken,
    natsPrefix: NATS_PREFIX,
    objectStoreUrl: pathToFileURL(place.objects).href,
  };
  await report.during(
    'migrations',
    () => applyMigrations(addresses),
    (applied) => (applied.length === 0 ? 'up to date' : `${applied.length} applied`),
  );
  const apiUrl = `http://127.0.0.1:${ports.api}`;
  started.api = await report.during(
    'API',
    () => startApiProcess({ addresses, port: ports.api, token: apiToken, logFile: place.log('api'), signal }),
    () => apiUrl,
  );
  await lock.record('API', started.api.pid);
  const { dataRoots } = options;
  const workerEnv = dataRoots === undefined ? {} : { KTRDR_DATA_ROOTS: dataRoots };
  const ids = Array.from({ length: options.workers }, (_, index) => `w${index + 1}`);
  await report.during(
    'workers',
    async () => {
      for (const id of ids) {
        signal?.throwIfAborted();
        const [dir, logFile] = [place.workerDir(id), place.log(id)];
        const worker = await startWorkerProcess({ addresses, apiUrl, id, dir, logFile, env: workerEnv });
        started.workers.push(worker);
        await lock.record(worker.name, worker.pid);
      }
      await untilRegistered({ apiUrl, token: apiToken, workers: started.workers, signal });
    },
    () => started.workers.map(({ pid }, index) => `${ids[index]} (pid ${pid})`).join(', ') || 'none',
  );
  return {
    api_url: apiUrl,
    api_token: apiToken,
    database_url: addresses.databaseUrl,
    nats_url: addresses.natsUrl,
    nats_creds_file: keys.credsFile,
    nats_signing_key_file: keys.signingKeyFile,
    enrol_token: enrolToken,
    object_store: addresses.objectStoreUrl,
    data_dir: place.dataDir,
    pids: {
      api: started.api.pid,
      nats: started.nats.pid,
      postgres: started.postgres.pid,
      workers: started.workers.map(({ pid }) => pid),
    },
  };
}

async function endOrphans(lock: DataDirLock, report: StackReport): Promise<void> {
  // Latest first: workers, API, NATS, then PostgreSQL.
  for (const orphan of [...lock.orphans].reverse()) {
    await report.during(`ending ${orphan.name} (pid ${orphan.pid}) of a stack that was killed`, () =>
      endOrphan(orphan),
    );
  }
}

/**
 * Starts everything in one data directory and resolves once every part answers. When one does not start, or `signal` is
 * aborted meanwhile, what has been started is ended again before this rejects.
 */
export async function startStack(options: StackOptions, report: StackReport, signal?: AbortSignal): Promise<Stack> {
  const place = await layOut(options.dataDir);
  const lock = await lockDataDir(place.dataDir);
  const started: Started = { workers: [] };
  const stop = async (): Promise<void> => {
    await stopAll(started, report);
    await lock.release();
  };
  const kill = async (): Promise<void> => {
    await killAll(started);
    await lock.release();
  };
  try {
    await endOrphans(lock, report);
    const ports = await choosePorts(place, options.port, report.line);
    const ready = await startParts({ options, place, ports, lock, report, signal }, started);
    const core = [started.postgres, started.nats, started.api].filter((part) => part !== undefined);
    return { ready, place, core, workers: started.workers, stop, kill };
  } catch (cause) {
    await kill();
    throw cause;
  }
}

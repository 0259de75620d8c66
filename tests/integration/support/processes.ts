import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../tools/stack/free-port.js';
import type { PartExit, PartProcess } from '../../../tools/stack/part-process.js';
import { enrolTokenFor, startApiProcess, startWorkerProcess, untilRegistered } from '../../../tools/stack/services.js';
import type { Services } from './given-services.js';

/** A real process of the product that a test has started. */
export type Running = Readonly<{
  pid: number;
  /** Resolves when it has ended, by whatever cause. */
  exited: Promise<PartExit>;
  logs(): Promise<string>;
  /** Asks it to end and waits until it has. */
  stop(signal?: NodeJS.Signals): Promise<PartExit>;
  /** Ends it and its children without warning. */
  kill(): Promise<PartExit>;
  /** Sends a signal and does not wait: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void;
}>;

export type RunningApi = Running &
  Readonly<{ url: string; token: string; headers: Readonly<{ authorization: string; 'content-type': string }> }>;

export type RunningWorker = Running & Readonly<{ id: string }>;

type Env = Readonly<Record<string, string>>;

/** The tests' global teardown ends whatever is still listed here. */
async function list(process: PartProcess): Promise<void> {
  const folder = globalThis.process.env['KTRDR_TEST_PROCESSES'];
  if (folder === undefined) return;
  const file = join(folder, `${process.pid}`);
  await writeFile(file, process.name);
  void process.exited.then(() => rm(file, { force: true }));
}

async function toRunning(process: PartProcess, services: Services): Promise<Running> {
  await list(process);
  const kill = async (): Promise<PartExit> => process.kill();
  services.onClose(async () => {
    if (!process.hasExited()) await kill();
  });
  return {
    pid: process.pid,
    exited: process.exited,
    logs: () => readFile(process.logFile, 'utf8'),
    stop: (signal = 'SIGTERM') => process.stop({ signal, deadlineMs: 30_000 }),
    kill,
    signal: (signal) => void globalThis.process.kill(process.pid, signal),
  };
}

export type ApiOptions = Readonly<{
  env?: Env;
  port?: number;
  token?: string;
  name?: string;
  /** A composition root of the test's own, with its arguments. */
  program?: readonly string[];
}>;

/** Starts the API (its dist) on these services and waits until it is ready. */
export async function startApi(services: Services, options: ApiOptions = {}): Promise<RunningApi> {
  const {
    env = {},
    port = await freePort(),
    token = `test-${randomBytes(16).toString('hex')}`,
    name = `api-${port}`,
    program,
  } = options;
  const logFile = join(services.folder, `${name}.log`);
  const process = await startApiProcess({ addresses: services, port, token, logFile, name, program, env });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return { ...(await toRunning(process, services)), url: `http://127.0.0.1:${port}`, token, headers };
}

export type WorkerOptions = Readonly<{
  api: Pick<RunningApi, 'url' | 'token'>;
  id: string;
  pool?: string;
  env?: Env;
  /** A composition root of the test's own, with its arguments. */
  program?: readonly string[];
}>;

/** The API that is asked may itself be killed and started again meanwhile, many times on a slow machine. */
const REGISTERED_WITHIN_MS = 180_000;

/** Starts a worker (its dist) and waits until this API lists it. */
export async function startWorker(
  services: Services,
  { api, id, pool = 'default', env = {}, program }: WorkerOptions,
): Promise<RunningWorker> {
  const dir = join(services.folder, 'workers', id);
  await mkdir(dir, { recursive: true });
  const logFile = join(services.folder, `${id}.log`);
  const enrolToken =
    pool === 'default' ? services.enrolToken : await enrolTokenFor(pool, { apiUrl: api.url, token: api.token });
  const addresses = { ...services, enrolToken };
  const process = await startWorkerProcess({ addresses, apiUrl: api.url, id, dir, logFile, program, env });
  const running = await toRunning(process, services);
  try {
    await untilRegistered({
      apiUrl: api.url,
      token: api.token,
      workers: [process],
      deadlineMs: REGISTERED_WITHIN_MS,
    });
  } catch (error) {
    await running.kill(); // it has its folder, so that the next one could not start
    throw error;
  }
  return { ...running, id };
}

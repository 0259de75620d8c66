import { hostname } from 'node:os';
import { join } from 'node:path';
import { CheckpointStore, type ObjectStore } from '@ktrdr/checkpoint';
import type { Failpoints } from '@ktrdr/failpoints';
import { HintListener, type NatsSession, WorkerRpcClient } from '@ktrdr/messaging-nats';
import { openObjectStore } from '@ktrdr/object-store';
import type { Logger } from 'pino';
import { ulid } from 'ulid';
import { ApiLink } from './api-link/api-link.js';
import { LeaseKeeper } from './api-link/lease-keeper.js';
import { Spool } from './checkpoints/spool.js';
import type { WorkerConfig } from './config.js';
import { EventOutbox } from './events/event-outbox.js';
import { EventSpool } from './events/event-spool.js';
import { MachineMeter } from './machine/machine-meter.js';
import { ProbeServer } from './probe/probe-server.js';
import type { ProbedWorker } from './probe/worker-health.js';
import { LocalDataSources } from './run/data-sources.js';
import { Supervisor } from './supervisor.js';
import { capabilitiesOf } from './trainers/capabilities.js';
import { ProcessTrainers } from './trainers/programs/process-trainers.js';
import { TrainerPool } from './trainers/trainer-pool.js';

const VERSION = '0.1.0';
const DRAIN_EVENTS_MS = 2_000;

export interface WorkerSignals {
  /** First request to stop: save, hand back, leave. */
  readonly shutdown: AbortSignal;
  /** Second one: leave now. */
  readonly abort: AbortSignal;
}

interface Opened {
  readonly objects: ObjectStore;
  readonly spool: Spool;
  readonly trainers: ProcessTrainers;
  readonly link: ApiLink;
  readonly session: NatsSession;
  readonly eventSession: NatsSession;
  readonly capabilities: readonly string[];
  readonly failpoints: Failpoints;
}

/** Runs one worker until it is asked to stop or is dismissed, and leaves nothing behind. */
export async function runWorker(
  config: WorkerConfig,
  log: Logger,
  { signals, failpoints }: { readonly signals: WorkerSignals; readonly failpoints: Failpoints },
): Promise<void> {
  const objects = openStore(config, config.objectStoreUrl);
  const spool = await openSpool(config.folder, log);
  const pool = startTrainerPool(config, log);
  const trainers = new ProcessTrainers(pool, config.processTrainers, log);
  signals.abort.addEventListener('abort', () => trainers.close());
  const ending = new AbortController();
  const probed: ProbedWorker = { slots: config.slots, checkObjectStore: () => objects.check() };
  let probe: ProbeServer | undefined;
  let link: ApiLink | undefined;
  try {
    if (config.probe) probe = await ProbeServer.listen(config.probe, probed, log);
    link = await ApiLink.open(config, log, signals.shutdown);
    link.keepCredentials(ending.signal);
    const leaving = AbortSignal.any([signals.shutdown, link.dismissed]);
    const { workerId } = link.admitted;
    const session = await link.connect(`worker ${workerId}`, leaving);
    probed.session = session;
    session.onChange((status) => log.info({ status }, 'connection to NATS changed'));
    // Events have a connection of their own: nothing else waits behind them.
    const eventSession = await link.connect(`worker ${workerId}, events`, leaving);
    const allowsPrograms = config.processTrainers !== null;
    const capabilities = await capabilitiesOf(pool, { allowsPrograms, signal: leaving });
    const opened = { objects, spool, trainers, link, session, eventSession, capabilities, failpoints };
    const parts = assemble(config, opened, log);
    Object.assign(probed, parts);
    await serve(parts, { leaving, dismissed: link.dismissed, ending, graceMs: config.shutdownGraceMs }, log);
  } finally {
    ending.abort();
    trainers.close();
    await Promise.all([probe?.close(), link?.close()]);
    spool.close();
  }
  log.info('worker stopped');
}

function openStore({ s3Credentials }: WorkerConfig, url: string): ObjectStore {
  return openObjectStore(url, s3Credentials ? { credentials: s3Credentials } : {});
}

async function openSpool(folder: string, log: Logger): Promise<Spool> {
  const spool = new Spool(join(folder, 'spool'));
  const removed = await spool.open();
  if (removed.length > 0) log.info({ removed }, 'spool of an earlier life removed');
  return spool;
}

function startTrainerPool({ trainerCommand, trainerEnv: env }: WorkerConfig, log: Logger): TrainerPool {
  const builtIn = [process.execPath, join(import.meta.dirname, 'built-in-trainer', 'main.js')];
  const [command = process.execPath, ...args] = trainerCommand ?? builtIn;
  const pool = new TrainerPool({ command, args, env }, log);
  pool.refill();
  return pool;
}

/** The supervisor, its leases and its events, connected with each other. */
function assemble(config: WorkerConfig, opened: Opened, log: Logger) {
  const { link, session, eventSession, spool, trainers, capabilities, failpoints } = opened;
  const { workerId, pool } = link.admitted;
  const { slots } = config;
  const rpc = new WorkerRpcClient(session, { onDismissed: link.renewNow });
  const confirmLease = (): Promise<void> => leases.confirm();
  const eventSpool = new EventSpool(join(config.folder, 'events'), log);
  const events = new EventOutbox(new WorkerRpcClient(eventSession), workerId, eventSpool, confirmLease, log);
  const data = new LocalDataSources({
    roots: config.dataRoots,
    openBucket: (bucket) => openStore(config, `s3://${bucket}${new URL(config.objectStoreUrl).search}`),
  });
  const storage = new CheckpointStore(opened.objects, failpoints);
  const meter = new MachineMeter(config.trainerEnv);
  const hints = new HintListener(session);
  const supervisor = new Supervisor(
    { slots, pool, capabilities },
    { rpc, storage, data, trainers, events, spool, meter, confirmLease, failpoints, newId: ulid, workerId, log },
    { listen: (heard) => hints.onWork(pool, heard) },
    log,
  );
  const host = { host: hostname(), pid: process.pid };
  const registration = { worker_id: workerId, pool, version: VERSION, ...host, slots, capabilities: [...capabilities] };
  const leases = new LeaseKeeper(rpc, registration, supervisor, log);
  hints.onControl(({ work_waits }) => (work_waits ? supervisor.workWaits() : leases.beatNow()));
  session.onStatus(({ kind }) => kind === 'reconnected' && leases.beatNow());
  eventSession.onStatus(({ kind }) => kind === 'reconnected' && events.reconnected());
  return { supervisor, leases, events };
}

/** Works until `leaving` aborts, then hands back every operation and sends the last events. */
async function serve(
  { supervisor, leases, events }: ReturnType<typeof assemble>,
  until: {
    readonly leaving: AbortSignal;
    readonly dismissed: AbortSignal;
    readonly ending: AbortController;
    readonly graceMs: number;
  },
  log: Logger,
): Promise<void> {
  const { leaving, dismissed, ending, graceMs } = until;
  const keeping = leases.run(ending.signal);
  const sending = events.run(ending.signal);
  const taking = supervisor.run();
  await new Promise<void>((resolve) => {
    if (leaving.aborted) resolve();
    else leaving.addEventListener('abort', () => resolve(), { once: true });
  });
  dismissed.throwIfAborted();
  log.info({ operations: supervisor.leases(), graceMs }, 'shutting down');
  await supervisor.shutDown(graceMs);
  await taking;
  await events.drain(DRAIN_EVENTS_MS);
  ending.abort();
  await Promise.all([keeping, sending]);
}

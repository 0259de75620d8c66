import { hostname } from 'node:os';
import { join } from 'node:path';
import { CheckpointStore } from '@ktrdr/checkpoint';
import { HintListener, NatsSession, WorkerRpcClient, workerUser } from '@ktrdr/messaging-nats';
import type { Failpoints } from '@ktrdr/failpoints';
import { openObjectStore } from '@ktrdr/object-store';
import type { Logger } from 'pino';
import { ulid } from 'ulid';
import type { WorkerConfig } from './config.js';
import { apiCredentials } from './credentials/api-credentials.js';
import { CredentialKeeper } from './credentials/credential-keeper.js';
import { loadIdentityKey } from './credentials/identity-key.js';
import { reportDismissal } from './credentials/report-dismissal.js';
import { capabilitiesFrom } from './trainers/capabilities.js';
import { LocalDataSources } from './run/data-sources.js';
import { EventOutbox } from './events/event-outbox.js';
import { EventSpool } from './events/event-spool.js';
import { LeaseKeeper } from './api-link/lease-keeper.js';
import { MachineMeter } from './machine/machine-meter.js';
import type { ConfirmLease } from './api-link/ports.js';
import { Spool } from './checkpoints/spool.js';
import { Supervisor } from './supervisor.js';
import type { ProbeServer } from './probe/probe-server.js';
import { type ProbedParts, startProbe } from './probe/start-probe.js';
import { ProcessTrainers } from './trainers/programs/process-trainers.js';
import { TrainerPool } from './trainers/trainer-pool.js';

const VERSION = '0.1.0';
const FLUSH_EVENTS_MS = 2_000;

export interface WorkerSignals {
  /** First request to stop: save, hand back, leave. */
  readonly shutdown: AbortSignal;
  /** Second one: leave now. */
  readonly abort: AbortSignal;
}

/** Wires one worker, runs it until it is told to stop, and leaves nothing behind. */
export async function runWorker(
  config: WorkerConfig,
  log: Logger,
  { signals, failpoints }: { readonly signals: WorkerSignals; readonly failpoints: Failpoints },
): Promise<void> {
  const { shutdown } = signals;
  const openStore = (url: string) =>
    openObjectStore(url, config.s3Credentials ? { credentials: config.s3Credentials } : {});
  const objects = openStore(config.objectStoreUrl);
  const storage = new CheckpointStore(objects, failpoints);
  const spool = new Spool(join(config.folder, 'spool'));
  const removed = await spool.open();
  if (removed.length > 0) log.info({ removed }, 'spool of an earlier life removed');

  const [command, ...args] = config.trainerCommand ?? [
    process.execPath,
    join(import.meta.dirname, 'built-in-trainer', 'main.js'),
  ];
  const trainers = new TrainerPool({ command: command ?? process.execPath, args, env: config.trainerEnv }, log);
  const processTrainers = new ProcessTrainers(trainers, config.processTrainers, log);
  const closeTrainers = (): void => {
    processTrainers.close();
    trainers.close();
  };
  signals.abort.addEventListener('abort', closeTrainers);
  trainers.refill();

  const ending = new AbortController();
  /** Aborted with the reason when this worker is none any more. */
  const dismissal = new AbortController();
  const leaving = AbortSignal.any([shutdown, dismissal.signal]);
  const sessions: NatsSession[] = [];
  const probed: ProbedParts = {};
  let probe: ProbeServer | undefined;
  try {
    if (config.probe) {
      const checks = { slots: config.slots, checkObjectStore: () => objects.check() };
      probe = await startProbe(config.probe, probed, checks, log);
    }
    const key = await loadIdentityKey(config.folder);
    const wish = { workerId: config.workerId, isFixed: config.isWorkerIdFixed };
    const credentials = new CredentialKeeper(key, apiCredentials(config), wish, log);
    const { worker_id: workerId, pool, nats_url } = await credentials.obtain(shutdown);
    log.info({ workerId, pool, nkey: key.publicKey }, 'admitted as a worker');
    const renewing = credentials.keep(sessions, ending.signal).catch((error: unknown) => dismissal.abort(error));
    const connect = async (name: string): Promise<NatsSession> => {
      const { url, prefix } = config.nats;
      const session = await NatsSession.connect(
        { servers: url ?? nats_url, prefix, name, user: workerUser(key, credentials.jwt) },
        {
          signal: leaving,
          onWaiting: (reason, { isRefusal }) => {
            log.warn({ reason }, 'waiting for NATS');
            if (isRefusal) credentials.renewNow();
          },
        },
      );
      sessions.push(session);
      session.onStatus(({ kind }) => kind === 'refused' && credentials.renewNow());
      return session;
    };
    const session = await connect(`worker ${workerId}`);
    probed.session = session;
    // Events have a connection of their own: nothing waits behind many of them.
    const eventSession = await connect(`worker ${workerId}, events`);
    let lastKind = '';
    session.onStatus((status) => {
      // Refused again at every try: once is enough.
      if (status.kind !== lastKind) log.info({ status }, 'connection to NATS changed');
      lastKind = status.kind;
    });
    const capabilities = [
      ...(await capabilitiesOf(trainers, leaving)),
      ...(config.processTrainers ? ['trainer:process'] : []),
    ];
    const { slots } = config;
    const rpc = reportDismissal(new WorkerRpcClient(session), () => credentials.renewNow());
    let confirmLease: ConfirmLease = () => Promise.resolve();
    const events = new EventOutbox(
      new WorkerRpcClient(eventSession),
      workerId,
      new EventSpool(join(config.folder, 'events'), log),
      () => confirmLease(),
      log,
    );
    eventSession.onStatus(({ kind }) => kind === 'reconnected' && events.reconnected());
    const data = new LocalDataSources({
      roots: config.dataRoots,
      openBucket: (bucket) => openStore(`s3://${bucket}${new URL(config.objectStoreUrl).search}`),
    });
    const hints = new HintListener(session);
    const supervisor = new Supervisor(
      { slots, pool, capabilities },
      {
        rpc,
        storage,
        data,
        trainers: processTrainers,
        events,
        spool,
        meter: new MachineMeter(config.trainerEnv),
        confirmLease: () => confirmLease(),
        failpoints,
        newId: ulid,
        workerId,
        log,
      },
      { listen: (heard) => hints.onWork(pool, heard) },
      log,
    );
    const registration = {
      worker_id: workerId,
      pool,
      version: VERSION,
      host: hostname(),
      pid: process.pid,
      slots,
      capabilities,
    };
    const leases = new LeaseKeeper(rpc, registration, supervisor, log);
    confirmLease = () => leases.confirm();
    Object.assign(probed, { leases, supervisor, events });
    hints.onControl(({ work_waits }) => (work_waits ? supervisor.workWaits() : leases.beatNow()));
    session.onStatus(({ kind }) => kind === 'reconnected' && leases.beatNow());
    const keeping = leases.run(ending.signal);
    const sending = events.run(ending.signal);
    const taking = supervisor.run();
    await whenAborted(leaving);
    dismissal.signal.throwIfAborted();
    log.info({ operations: supervisor.leases(), graceMs: config.shutdownGraceMs }, 'shutting down');
    await supervisor.shutDown(config.shutdownGraceMs);
    await taking;
    await events.drain(FLUSH_EVENTS_MS);
    ending.abort();
    await Promise.all([keeping, sending, renewing]);
  } finally {
    ending.abort();
    closeTrainers();
    await probe?.close();
    await Promise.all(sessions.map((session) => session.close()));
    spool.close();
  }
  log.info('worker stopped');
}

/** The trainer itself says what it can run. */
async function capabilitiesOf(trainers: TrainerPool, shutdown: AbortSignal): Promise<string[]> {
  const idle = trainers.idle();
  idle.catch(() => undefined);
  const trainer = await Promise.race([idle, whenAborted(shutdown)]);
  return trainer ? capabilitiesFrom(trainer.ready) : [];
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

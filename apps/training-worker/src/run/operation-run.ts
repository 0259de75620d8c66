import { type ClaimedOperation, type Directive, type TrainerEvent } from '@ktrdr/contracts';
import { namesTrainer } from '@ktrdr/specs';
import { DomainError } from '@ktrdr/errors';
import type { FailpointName } from '@ktrdr/failpoints';
import type { Logger } from 'pino';
import {
  CheckpointCourier,
  type CommittedCheckpoint,
  type Provenance,
  type Save,
} from '../checkpoints/checkpoint-uploader.js';
import { hasState, specWithBackend, toCommitted } from './claimed-operation.js';
import { RunHalted } from '../errors.js';
import { EventRecorder } from '../events/event-recorder.js';
import { FailedSaves } from './failed-saves.js';
import { LeasedRpc } from '../api-link/leased-rpc.js';
import { tellDrift } from './observed-drift.js';
import { ObservedStorage } from '../checkpoints/observed-storage.js';
import { PersistentRpc } from '../api-link/reporting-rpc.js';
import type { Lease } from '../trainers/ports.js';
import { PauseSnapshot } from '../machine/pause-snapshot.js';
import { prepare, type Prepared } from './preparation.js';
import { releaseAsCommitted } from './release-as-committed.js';
import { RunIntent, type ShutdownReason } from './run-intent.js';
import type { RunPorts } from './ports.js';
import { type Outcome, RunSettlement, type StartingPoint } from './run-report.js';
import type { SpoolFolder } from '../checkpoints/spool.js';
import { toReportedError } from '../trainers/trainer-exit.js';
import { type Ending, TrainerSession } from './trainer-session.js';
import { UnprotectedTime } from '../checkpoints/unsaved-time.js';

/** A request that is repeated is told of after some seconds, and then about once a minute. */
const TOLD_FROM_TRY = 5;
const TOLD_EVERY_TRIES = 60;
/** What was told earlier goes first, but nothing waits for it longer. */
const FLUSH_WITHIN_MS = 2_000;

/** One attempt at one operation: prepare, train, settle, and start over locally when a pause was withdrawn too late. */
export class OperationRun {
  readonly lease: Lease;
  private readonly halt = new AbortController();
  private readonly halted: Promise<never>;
  private readonly intent: RunIntent;
  private readonly recorder: EventRecorder;
  private readonly rpc: LeasedRpc;
  private readonly storage: ObservedStorage;
  private readonly log: Logger;
  private readonly failedSaves: FailedSaves;
  private readonly restoredReported = Promise.withResolvers<void>();
  private courier: CheckpointCourier | undefined;
  private session: TrainerSession | undefined;
  private settlement: RunSettlement | undefined;
  private pauseSnapshot: PauseSnapshot | undefined;
  private refusal: Error | undefined;
  private unprotected = new UnprotectedTime();
  private steppedTo = -1;
  private seenStep = -1;

  constructor(
    private readonly operation: ClaimedOperation,
    private readonly ports: RunPorts,
  ) {
    this.lease = { operationId: operation.operation_id, attempt: operation.attempt };
    this.log = ports.log.child({ ...this.lease });
    this.intent = new RunIntent(operation.directive, hasState(operation));
    this.recorder = new EventRecorder(ports.events, this.lease, ports.workerId);
    const persistent = new PersistentRpc(ports.rpc, (method, err, tries) => {
      this.log[tries % TOLD_EVERY_TRIES === TOLD_FROM_TRY ? 'warn' : 'debug']({ err, method, tries }, 'asking again');
      // The API looks whether all is stored before it commits, and may find the store away when it was there before.
      if (this.storage.heed(err) && tries === 1) this.warn(err);
    });
    this.rpc = new LeasedRpc(persistent, this.lease, ports.workerId, this.halt.signal, (why) => this.loseLease(why));
    this.storage = new ObservedStorage(ports.storage);
    const { intent, recorder, rpc, log } = this;
    this.failedSaves = new FailedSaves({ rpc, intent, recorder, log, signal: this.halt.signal });
    this.halted = new Promise((_, reject) => {
      this.halt.signal.addEventListener('abort', () => reject(this.halt.signal.reason as RunHalted));
    });
    this.halted.catch(() => undefined); // raced against wherever the run waits
  }

  /** Whether its trainer has stepped, or bytes of its checkpoints have moved, since this was asked last. */
  takeMoved(): boolean {
    const hasStepped = this.steppedTo !== this.seenStep;
    this.seenStep = this.steppedTo;
    return this.storage.takeMoved() || hasStepped;
  }

  obey(directive: Directive): void {
    // While its end is being reported, the answer to that decides: a heartbeat may have been overtaken by it.
    if (directive.kind !== 'lease-lost') return this.intent.obey(directive);
    if (!this.settlement?.isReporting) this.loseLease(directive.reason);
  }

  /** Save, commit and hand the operation back. */
  shutDown(reason: ShutdownReason): void {
    this.intent.shutDown(reason);
  }

  /** There is no time left for saving: hand the operation back as it was committed last. */
  giveUp(): void {
    this.stopNow(new RunHalted('out-of-time', 'the shutdown grace is over'));
  }

  /** Settles when the trainer is gone and the API knows; never throws. */
  async execute(): Promise<Outcome> {
    try {
      return await this.carryOut();
    } catch (error) {
      return await this.endAfter(error);
    } finally {
      this.recorder.close();
      this.stopNow(new RunHalted('out-of-time', 'the run has ended'));
      await this.session?.gone();
      await this.ports.spool.remove(this.lease).catch((err: unknown) => this.log.warn({ err }, 'spool not removed'));
    }
  }

  private async carryOut(): Promise<Outcome> {
    const folder = await this.ports.spool.folderFor(this.lease);
    const prepared = await this.prepareUnlessUnwanted(folder);
    if (prepared === 'failed') return { kind: 'failed' };
    const { resume } = this.operation;
    if (prepared === 'unwanted') return this.settler(resume && toCommitted(resume)).settleUntrained(resume);
    await this.reach('start.prepared');
    const { restored } = prepared;
    let from: StartingPoint = restored
      ? { dir: restored.dir, step: restored.choice.step, epoch: restored.choice.epoch }
      : { dir: null, step: 0, epoch: 0 };
    const settlement = this.settler(restored && toCommitted(restored.choice));
    for (;;) {
      const ending = await this.train(from, folder, prepared);
      if (this.refusal) throw this.refusal;
      const next = await this.orHalted(settlement.settle(ending, from));
      if ('kind' in next) return next;
      this.log.info({ step: next.step }, 'continuing from the local save');
      from = next;
    }
  }

  private async prepareUnlessUnwanted(folder: SpoolFolder): Promise<Prepared | 'unwanted' | 'failed'> {
    const { data } = this.ports;
    const onTrouble = (error: DomainError): void => this.warn(error);
    const ports = { storage: this.storage, data, rpc: this.rpc, log: this.log, onTrouble };
    const preparing = prepare(this.operation, folder, ports, this.halt.signal);
    preparing.catch(() => undefined); // when it is not waited for any more
    const unwanted = this.intent.until(({ kind }) => kind === 'cancel' || kind === 'shutdown');
    try {
      const first = await this.orHalted(Promise.race([preparing, unwanted.reached.then(() => 'unwanted' as const)]));
      return first ?? 'failed';
    } finally {
      unwanted.end();
    }
  }

  private async train(from: StartingPoint, folder: SpoolFolder, prepared: Prepared): Promise<Ending> {
    const { operation } = this;
    const resume = from.dir ? { dir: from.dir, step: from.step, epoch: from.epoch } : null;
    const { dataFile } = prepared;
    const job = { ...this.lease, spec: operation.spec, folder: folder.path, dataFile, resume };
    const taking = this.ports.trainers.take(job);
    taking.then((late) => this.halt.signal.aborted && late.kill()).catch(() => undefined);
    const trainer = await this.orHalted(taking);
    const snapshot = new PauseSnapshot(this.ports.meter, trainer.ready);
    this.pauseSnapshot = snapshot;
    const session = new TrainerSession(
      trainer,
      this.intent,
      this.recorder,
      {
        onStarted: (event) => {
          this.ports.trainers.refill();
          this.started(event, prepared, { name: trainer.ready.trainer, version: trainer.ready.version });
        },
        onProgress: (step) => {
          this.steppedTo = step;
          this.ports.meter.observe();
        },
        onCheckpointing: (event) => this.recorder.record(this.unprotected.addedTo(event)),
        onPausing: () => snapshot.measure(),
        onSaving: (saving) => this.courier?.foresee(saving),
        onSaved: (save) => this.saved(save),
        onSaveOff: (requestId) => this.courier?.forget(requestId),
        onSaveFailed: (message, at) => this.failedSaves.report(message, at),
        onStopSaveFailed: (message, at, wish) => this.failedSaves.reportStop(message, at, wish),
      },
      this.ports.newId,
      from,
    );
    this.session = session;
    void session.gone().then(() => {
      this.courier?.forget();
      this.ports.trainers.release(trainer);
    });
    return this.orHalted(
      session.run({
        type: 'start',
        operation_id: operation.operation_id,
        attempt: operation.attempt,
        operation_type: operation.type,
        spec: specWithBackend(operation),
        spec_sha256: operation.spec_sha256,
        accepted_spec_sha256: operation.accepted_spec_sha256,
        ...(operation.allow_backend_change ? { allow_backend_change: true } : {}),
        data_file: dataFile,
        spool_dir: await folder.newSaves(),
        resume,
      }),
    );
  }

  private started(
    event: Extract<TrainerEvent, { type: 'started' }>,
    prepared: Prepared,
    trainer: Provenance['trainer'],
  ): void {
    const { step, epoch, steps, epochs, backend, backend_version, backend_reason, data_fingerprint } = event;
    this.log.info({ step, epoch, backend }, 'training started');
    if (this.courier) return; // continuing locally: the API knows all this
    this.unprotected = new UnprotectedTime();
    const { choice } = prepared.restored ?? {};
    this.courier = new CheckpointCourier(
      {
        storage: this.storage,
        rpc: this.rpc,
        confirmLease: this.ports.confirmLease,
        flushEvents: () => this.flushEvents(),
        newId: this.ports.newId,
        log: this.log,
        failpoints: this.ports.failpoints,
        onSettled: (requestId) => this.session?.settled(requestId),
        onTrouble: (_save, error) => this.warn(error),
        onCommitted: (_save, capturedAt) => this.unprotected.committed(capturedAt),
      },
      {
        lease: this.lease,
        started: this.restoredReported.promise,
        provenance: {
          specSha256: this.operation.spec_sha256,
          dataFingerprint: data_fingerprint,
          trainer,
          backend: { name: backend ?? 'none', version: backend_version },
        },
      },
      choice ? toCommitted(choice) : null,
      this.halt.signal,
    );
    this.settlement?.deliverWith(this.courier);
    // Backends are what the built-in trainer computes with: of a program's own one no worker can be required.
    const reported = namesTrainer(this.operation.spec) ? null : backend;
    const report = { step, epoch, steps, epochs, backend: reported, backend_version, backend_reason, data_fingerprint };
    const drift = tellDrift(prepared.restored?.manifest, { event, trainer }, this.recorder);
    const restored = { checkpoint_id: choice?.checkpoint_id ?? null, fell_back_from: prepared.fellBackFrom, drift };
    const answer = this.intent.answerToNow();
    this.reach('start.unreported')
      .then(() => this.rpc.call('restored', { ...report, ...restored, trainer: trainer.name }))
      .then(({ directive }) => (directive.kind === 'lease-lost' ? this.obey(directive) : answer(directive)))
      .catch((err: unknown) => {
        if (this.halt.signal.aborted) return;
        this.refusal = err instanceof Error ? err : new Error(String(err));
        this.session?.kill();
      })
      .finally(() => this.restoredReported.resolve());
  }

  private saved(save: Save): void {
    if (!this.courier) return;
    this.courier.add(save);
    if (save.kind !== 'periodic' && save.kind !== 'best' && save.kind !== 'manual') return;
    void this.courier.deliveryOf(save.request_id)?.then((delivery) => {
      if (delivery.kind === 'given-up') this.failedSaves.report(delivery.error.message, save, save.kind);
    });
  }

  private settler(start: CommittedCheckpoint | null): RunSettlement {
    this.settlement = new RunSettlement(
      {
        rpc: this.rpc,
        intent: this.intent,
        log: this.log,
        reach: (point) => this.reach(point),
        flushEvents: () => this.flushEvents(),
        abandonPause: (message, at) => this.failedSaves.reportStop(message, at, this.intent.wish),
        snapshot: async () => {
          const { session, pauseSnapshot } = this;
          return (session && pauseSnapshot && (await pauseSnapshot.result(session.trainerState))) ?? null;
        },
      },
      start,
    );
    return this.settlement;
  }

  /** The run could not go on by itself: halted from outside, or something that only a person can mend. */
  private async endAfter(error: unknown): Promise<Outcome> {
    const halted = this.halt.signal.reason as unknown;
    if (halted instanceof RunHalted) {
      if (halted.kind === 'lease-lost') return { kind: 'lease-lost', reason: halted.reason };
      return this.releaseUnsaved(halted.reason);
    }
    if (!(error instanceof DomainError)) this.log.error({ err: error }, 'run failed');
    try {
      const settlement = this.settlement ?? this.settler(null);
      return await this.orHalted(settlement.reportFailed(toReportedError(error)));
    } catch (err) {
      if (this.halt.signal.aborted) return this.endAfter(err);
      this.log.error({ err }, 'failure not accepted');
      return { kind: 'refused', reason: err instanceof Error ? err.message : String(err) };
    }
  }

  private releaseUnsaved(reason: string): Promise<Outcome> {
    const { resume } = this.operation;
    const last = this.courier?.lastCommitted ?? (resume && toCommitted(resume));
    return releaseAsCommitted({ last, reason, lease: this.lease }, this.ports);
  }

  /** Who reads a checkpoint or an end reads what was told before it. */
  private flushEvents(): Promise<void> {
    this.recorder.flush();
    return this.ports.events.flush(this.lease, FLUSH_WITHIN_MS);
  }

  private loseLease(reason: string): void {
    this.recorder.abandon();
    this.ports.events.purge(this.lease);
    this.stopNow(new RunHalted('lease-lost', reason));
  }

  private stopNow(reason: RunHalted): void {
    if (!this.halt.signal.aborted) this.halt.abort(reason);
    this.session?.kill();
  }

  private warn(error: unknown): void {
    const code = error instanceof DomainError ? error.code : 'internal';
    const message = error instanceof Error ? error.message : String(error);
    this.log.warn({ err: error }, 'waiting for what is needed');
    this.recorder.record({ type: 'warning', code, message });
  }

  private reach(point: FailpointName): Promise<void> {
    return this.orHalted(this.ports.failpoints.reach(point, this.lease.operationId));
  }

  private orHalted<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.halted]);
  }
}

import type { ClaimedOperation, Directive, TrainerEvent } from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import type { FailpointName } from '@ktrdr/failpoints';
import { isPausable, traitsOf } from '@ktrdr/operations/model';
import type { Logger } from 'pino';
import type { Lease } from '../api-link/ports.js';
import { type Report, ReportingRpc } from '../api-link/reporting-rpc.js';
import { CheckpointUploader } from '../checkpoints/checkpoint-uploader.js';
import { ObservedStorage } from '../checkpoints/observed-storage.js';
import type { Provenance } from '../checkpoints/save-record.js';
import type { SpoolFolder } from '../checkpoints/spool.js';
import { UnsavedTime } from '../checkpoints/unsaved-time.js';
import { RunHalted } from '../errors.js';
import { EventRecorder } from '../events/event-recorder.js';
import type { LocalCheckpoint } from '../trainers/ports.js';
import { toReportedError } from '../trainers/trainer-exit.js';
import { toCommitted, toStart } from './claimed-operation.js';
import { FailedSaves } from './failed-saves.js';
import type { RunPorts } from './ports.js';
import { prepare, type Prepared, recordDrift } from './preparation.js';
import { RunIntent, type ShutdownReason } from './run-intent.js';
import { type Outcome, RunReport } from './run-report.js';
import { type Ending, TrainerSession } from './trainer-session.js';

type Started = Extract<TrainerEvent, { type: 'started' }>;

/** Repeated requests are logged as a warning after some seconds, then about once a minute. */
const WARNED_FROM_TRY = 5;
const WARNED_EVERY_TRIES = 60;
/** Earlier events go first, but nothing waits for them longer. */
const FLUSH_WITHIN_MS = 2_000;

/** One attempt at one operation: prepare, train, report, and start over locally when a pause was withdrawn too late. */
export class OperationRun {
  readonly lease: Lease;
  private readonly halt = new AbortController();
  private readonly halted: Promise<never>;
  private readonly log: Logger;
  private readonly intent: RunIntent;
  private readonly recorder: EventRecorder;
  private readonly storage: ObservedStorage;
  private readonly rpc: ReportingRpc;
  private readonly failedSaves: FailedSaves;
  private readonly unsaved = new UnsavedTime();
  private readonly uploader: CheckpointUploader;
  private readonly report: RunReport;
  private session: TrainerSession | undefined;
  private refusal: Error | undefined;
  private seenStep = -1;

  constructor(
    private readonly operation: ClaimedOperation,
    private readonly ports: RunPorts,
  ) {
    const { workerId, confirmLease, newId, failpoints } = ports;
    const { signal } = this.halt;
    const lease = { operationId: operation.operation_id, attempt: operation.attempt };
    this.lease = lease;
    this.log = ports.log.child({ ...lease });
    this.intent = new RunIntent(operation.directive, isPausable(operation));
    this.recorder = new EventRecorder(ports.events, lease, workerId);
    this.storage = new ObservedStorage(ports.storage);
    this.rpc = new ReportingRpc({
      rpc: ports.rpc,
      lease,
      workerId,
      signal,
      onRetry: (method, error, tries) => this.retried(method, error, tries),
      onLeaseLost: (reason) => this.loseLease(reason),
    });
    const { intent, recorder, storage, rpc, log, unsaved } = this;
    this.failedSaves = new FailedSaves({ rpc, intent, recorder, log, signal });
    const flushEvents = (): Promise<void> => this.flushEvents();
    this.uploader = new CheckpointUploader({
      ...{ lease, storage, rpc, confirmLease, flushEvents, unsaved, newId, log, failpoints, signal },
      onSettled: (requestId) => this.session?.settled(requestId),
      onTrouble: (error) => this.warn(error),
      onGivenUp: (save, error) => this.failedSaves.report(error.message, save, save.kind),
    });
    this.uploader.startFrom(operation.resume && toCommitted(operation.resume));
    this.report = new RunReport({
      ...{ rpc, intent, log, flushEvents },
      uploader: this.uploader,
      failedSaves: this.failedSaves,
      reach: (point) => this.reach(point),
      snapshot: async () => (await this.session?.pauseSnapshot()) ?? null,
    });
    this.halted = new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as RunHalted));
    });
    this.halted.catch(() => undefined); // raced against wherever the run waits
  }

  /** Whether its trainer has stepped, or bytes of its checkpoints have moved, since the last call. */
  takeMoved(): boolean {
    const step = this.session?.reachedStep ?? -1;
    const hasStepped = step !== this.seenStep;
    this.seenStep = step;
    return this.storage.takeMoved() || hasStepped;
  }

  obey(directive: Directive): void {
    if (directive.kind !== 'lease-lost') return this.intent.obey(directive);
    // While its end is being reported, the answer to that decides: it may have overtaken a heartbeat.
    if (!this.report.isReporting) this.loseLease(directive.reason);
  }

  /** Save, commit and hand the operation back. */
  shutDown(reason: ShutdownReason): void {
    this.intent.shutDown(reason);
  }

  /** There is no time left to save: hand the operation back at its last committed checkpoint. */
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
    if (prepared === 'unwanted') {
      return this.report.finishUntrained(this.operation.resume);
    }
    await this.reach('start.prepared');
    const { restored } = prepared;
    this.uploader.startFrom(restored && toCommitted(restored.choice));
    let from: LocalCheckpoint | null = restored && {
      dir: restored.dir,
      step: restored.choice.step,
      epoch: restored.choice.epoch,
    };
    for (;;) {
      const ending = await this.train(from, folder, prepared);
      if (this.refusal) throw this.refusal;
      const next = await this.orHalted(this.report.finish(ending, from));
      if ('kind' in next) return next;
      this.log.info({ step: next.step }, 'continuing from the local save');
      from = next;
    }
  }

  private async prepareUnlessUnwanted(folder: SpoolFolder): Promise<Prepared | 'unwanted' | 'failed'> {
    const { storage, rpc, log } = this;
    const onTrouble = (error: unknown): void => this.warn(error);
    const ports = { storage, data: this.ports.data, rpc, log, onTrouble };
    const preparing = prepare(this.operation, folder, ports, this.halt.signal);
    preparing.catch(() => undefined); // when the run does not wait for it any more
    const unwanted = this.intent.until(({ kind }) => kind === 'cancel' || kind === 'shutdown');
    try {
      const first = await this.orHalted(Promise.race([preparing, unwanted.reached.then(() => 'unwanted' as const)]));
      return first ?? 'failed';
    } finally {
      unwanted.end();
    }
  }

  private async train(resume: LocalCheckpoint | null, folder: SpoolFolder, prepared: Prepared): Promise<Ending> {
    const { operation, intent, recorder, uploader, unsaved, failedSaves } = this;
    const { trainers, meter, newId } = this.ports;
    const { dataFile } = prepared;
    const taking = trainers.take({ ...this.lease, spec: operation.spec, folder: folder.path, dataFile, resume });
    taking.then((late) => this.halt.signal.aborted && late.kill()).catch(() => undefined);
    const trainer = await this.orHalted(taking);
    const onStarted = (event: Started): void => {
      trainers.refill();
      this.started(event, prepared, { name: trainer.ready.trainer, version: trainer.ready.version });
    };
    const session = new TrainerSession(
      { trainer, intent, recorder, uploader, unsaved, failedSaves, meter, newId, onStarted },
      resume ?? { step: 0, epoch: 0 },
    );
    this.session = session;
    void session.gone().then(() => {
      uploader.cancelEarly();
      trainers.release(trainer);
    });
    const start = toStart(operation, { dataFile, spoolDir: await folder.newSaves(), resume });
    return this.orHalted(session.run(start));
  }

  private started(event: Started, prepared: Prepared, trainer: Provenance['trainer']): void {
    const { step, epoch, steps, epochs, backend, backend_version, backend_reason, data_fingerprint } = event;
    this.log.info({ step, epoch, backend }, 'training started');
    if (this.uploader.hasBegun) return; // continuing locally: the API knows all this
    const reported = Promise.withResolvers<void>();
    const provenance = {
      specSha256: this.operation.spec_sha256,
      dataFingerprint: data_fingerprint,
      trainer,
      backend: { name: backend ?? 'none', version: backend_version },
    };
    this.uploader.begin(provenance, reported.promise);
    const { restored, fellBackFrom } = prepared;
    const report = {
      ...{ step, epoch, steps, epochs, backend_version, backend_reason, data_fingerprint },
      // Backends belong to the built-in trainer: no worker can be required to have that of an own program.
      backend: traitsOf(this.operation).runsOn === 'program' ? null : backend,
      checkpoint_id: restored?.choice.checkpoint_id ?? null,
      fell_back_from: fellBackFrom,
      drift: restored ? recordDrift(restored.manifest, provenance, this.recorder) : [],
      trainer: trainer.name,
    };
    void this.reportStart(report).finally(reported.resolve);
  }

  private async reportStart(report: Report<'restored'>): Promise<void> {
    const answer = this.intent.answerToNow();
    try {
      await this.reach('start.unreported');
      const { directive } = await this.rpc.call('restored', report);
      if (directive.kind === 'lease-lost') this.obey(directive);
      else answer(directive);
    } catch (err) {
      if (this.halt.signal.aborted) return;
      this.refusal = err instanceof Error ? err : new Error(String(err));
      this.session?.kill();
    }
  }

  /** The run cannot go on: it was halted from outside, or failed in a way that only a person can fix. */
  private async endAfter(error: unknown): Promise<Outcome> {
    const halted = this.halt.signal.reason as unknown;
    if (halted instanceof RunHalted) {
      if (halted.kind === 'lease-lost') return { kind: 'lease-lost', reason: halted.reason };
      return this.report.releaseUnsaved(halted.reason);
    }
    if (!(error instanceof DomainError)) this.log.error({ err: error }, 'run failed');
    try {
      return await this.orHalted(this.report.reportFailed(toReportedError(error)));
    } catch (err) {
      if (this.halt.signal.aborted) return this.endAfter(err);
      this.log.error({ err }, 'failure not accepted');
      return { kind: 'refused', reason: err instanceof Error ? err.message : String(err) };
    }
  }

  private retried(method: string, err: unknown, tries: number): void {
    this.log[tries % WARNED_EVERY_TRIES === WARNED_FROM_TRY ? 'warn' : 'debug']({ err, method, tries }, 'asking again');
    // The API reads the store before it commits, and may find it away when the worker found it there.
    if (this.storage.heed(err) && tries === 1) this.warn(err);
  }

  /** Earlier events are recorded before a checkpoint or an end is. */
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

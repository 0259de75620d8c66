import { rm } from 'node:fs/promises';
import type { StoredAhead, UploadedCheckpoint } from '@ktrdr/checkpoint';
import type { TrainerEvent } from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import type { Failpoints } from '@ktrdr/failpoints';
import type { Logger } from 'pino';
import { Backoff } from '../api-link/backoff.js';
import { CheckpointNotStoredError } from '../errors.js';
import { ForeseenSave, isWorthForeseeing, type Saving } from './early-upload.js';
import type { LeasedRpc } from '../api-link/leased-rpc.js';
import { isUndecided } from '../api-link/reporting-rpc.js';
import type { CheckpointStorage, ConfirmLease, Lease } from '../trainers/ports.js';

export type Save = Extract<TrainerEvent, { type: 'saved' }>;

export interface CommittedCheckpoint {
  readonly checkpointId: string;
  readonly step: number;
  readonly epoch: number;
}

/** What became of a save. */
export type Delivery =
  | ({ readonly kind: 'committed' } & CommittedCheckpoint)
  | { readonly kind: 'superseded' }
  | { readonly kind: 'given-up'; readonly error: DomainError };

/** What a manifest says about where the state came from. */
export interface Provenance {
  readonly specSha256: string;
  readonly dataFingerprint: string;
  readonly trainer: { readonly name: string; readonly version: string };
  readonly backend: { readonly name: string; readonly version: string };
}

export interface CourierPorts {
  readonly storage: CheckpointStorage;
  readonly rpc: LeasedRpc;
  readonly confirmLease: ConfirmLease;
  /** Sends what was told so far, which should be recorded before the commit is. */
  readonly flushEvents: () => Promise<void>;
  readonly newId: () => string;
  readonly log: Logger;
  readonly failpoints: Failpoints;
  /** The trainer may make its next periodic save. */
  readonly onSettled: (requestId: string) => void;
  readonly onTrouble: (save: Save, error: unknown) => void;
  /** @param capturedAt when the state was as it is now saved, on the clock of `performance.now()`. */
  readonly onCommitted?: (save: Save, capturedAt: number) => void;
}

export interface CourierOrder {
  readonly lease: Lease;
  readonly provenance: Provenance;
  /** Checkpoints are committed only after this. */
  readonly started: Promise<void>;
}

interface Parcel {
  readonly save: Save;
  readonly seq: number;
  readonly createdAt: Date;
  readonly receivedAt: number;
  /** What was stored of it while it was written. */
  readonly foreseen: ForeseenSave | null;
  readonly superseded: AbortController;
  readonly delivered: PromiseWithResolvers<Delivery>;
}

const RETRY = { firstMs: 250, lastMs: 10_000 };
/** A store that answers, but not with success, is not waited for without end. */
const TRIES_WHEN_REFUSED = 5;
/** Needed to stop or to finish: these folders stay, and nothing newer replaces them. */
const ESSENTIAL = ['pause', 'cancel', 'shutdown', 'final'];

/** Takes an attempt's saves to the object store and commits them, one at a time, for as long as that takes. */
export class CheckpointCourier {
  private readonly queue: Parcel[] = [];
  private readonly deliveries = new Map<string, Promise<Delivery>>();
  private current: Parcel | undefined;
  private foreseen: ForeseenSave | null = null;
  private seq = 0;
  private working: Promise<void> = Promise.resolve();

  constructor(
    private readonly ports: CourierPorts,
    private readonly order: CourierOrder,
    private last: CommittedCheckpoint | null,
    private readonly signal: AbortSignal,
  ) {}

  /** The newest that is committed, or the one that the attempt started from. */
  get lastCommitted(): CommittedCheckpoint | null {
    return this.last;
  }

  /** The trainer is writing the files of its next save, which is stored meanwhile if nothing else is being stored. */
  foresee(saving: Saving): void {
    const isBusy = this.current ?? this.foreseen ?? this.queue[0];
    if (isBusy || this.signal.aborted || !isWorthForeseeing(saving)) return;
    this.foreseen = new ForeseenSave(saving, this.order.lease, this.ports, this.signal);
  }

  /** The save of this request, or whichever is being written, is not going to come. */
  forget(requestId?: string): void {
    if (requestId === undefined || this.foreseen?.requestId === requestId) this.takeForeseen(null);
  }

  add(save: Save): void {
    this.seq += 1;
    const parcel: Parcel = {
      save,
      seq: this.seq,
      createdAt: new Date(),
      receivedAt: performance.now(),
      foreseen: this.takeForeseen(save.request_id),
      superseded: new AbortController(),
      delivered: Promise.withResolvers<Delivery>(),
    };
    this.deliveries.set(save.request_id, parcel.delivered.promise);
    this.queue.push(parcel);
    for (const older of [this.current, ...this.queue.slice(0, -1)]) if (older) supersede(older);
    this.working = this.working.then(() => this.deliverNext());
  }

  /** What becomes of a save; null when there was none with this id. */
  deliveryOf(requestId: string): Promise<Delivery> | null {
    return this.deliveries.get(requestId) ?? null;
  }

  /** Settles when every save so far was committed or given up. */
  async idle(): Promise<void> {
    await Promise.all(this.deliveries.values());
  }

  /** What is not committed yet is not wanted any more. */
  discard(): void {
    this.forget();
    for (const parcel of [this.current, ...this.queue]) if (parcel) drop(parcel);
  }

  /** What was foreseen, if it was that request's; otherwise it is not going to come. */
  private takeForeseen(requestId: string | null): ForeseenSave | null {
    const { foreseen } = this;
    this.foreseen = null;
    if (foreseen && foreseen.requestId === requestId) {
      foreseen.written();
      return foreseen;
    }
    foreseen?.abandon();
    return null;
  }

  private async deliverNext(): Promise<void> {
    const parcel = this.queue.shift();
    if (!parcel || this.signal.aborted) return;
    this.current = parcel;
    let delivery: Delivery;
    try {
      delivery = await this.deliver(parcel);
    } catch (error) {
      if (this.signal.aborted) return; // whoever waits listens to the signal too
      delivery = { kind: 'given-up', error: asDomainError(error) };
    } finally {
      this.current = undefined;
    }
    const { request_id, dir, kind } = parcel.save;
    this.ports.onSettled(request_id);
    parcel.delivered.resolve(delivery);
    if (ESSENTIAL.includes(kind)) return;
    await rm(dir, { recursive: true, force: true }).catch((err: unknown) => {
      this.ports.log.warn({ err, dir }, 'saved files not removed');
    });
  }

  private async deliver(parcel: Parcel): Promise<Delivery> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.storeAndCommit(parcel);
      } catch (error) {
        // A blob that it named was collected between the upload and the commit: it is uploaded anew.
        const isIncomplete = error instanceof DomainError && error.code === 'checkpoint-failed';
        if (!isIncomplete || tries >= TRIES_WHEN_REFUSED) throw error;
        this.ports.log.warn({ err: error, kind: parcel.save.kind }, 'uploading again');
      }
    }
  }

  private async storeAndCommit(parcel: Parcel): Promise<Delivery> {
    const checkpointId = this.ports.newId();
    const stop = AbortSignal.any([this.signal, parcel.superseded.signal]);
    const told = this.ports.flushEvents();
    const uploaded = await this.upload(parcel, checkpointId, stop);
    if (!uploaded) return { kind: 'superseded' };
    await this.order.started;
    const { save } = parcel;
    const begunAt = parcel.foreseen?.begunAt ?? parcel.receivedAt;
    await told;
    const checkpoint = this.toRecord(parcel, checkpointId, uploaded, performance.now() - begunAt);
    const reply = await this.ports.rpc.call('checkpoint-commit', { checkpoint });
    this.last = { checkpointId: reply.checkpoint_id, step: save.step, epoch: save.epoch };
    const { kind, step, epoch } = save;
    this.ports.onCommitted?.(save, parcel.receivedAt - (save.write_ms ?? 0));
    this.ports.log.info(
      { checkpointId: reply.checkpoint_id, kind, step, epoch, bytes: uploaded.bytes, saveMs: checkpoint.save_ms },
      'checkpoint committed',
    );
    await this.ports.failpoints.reach('commit.answered', this.order.lease.operationId);
    return { kind: 'committed', ...this.last };
  }

  /** Null: a newer save took its place, or it was discarded, before it was stored. */
  private async upload(parcel: Parcel, id: string, stop: AbortSignal): Promise<UploadedCheckpoint | null> {
    const backoff = new Backoff(RETRY);
    let ahead = (await parcel.foreseen?.take(stop)) ?? null;
    for (let tries = 1; ; tries += 1) {
      this.signal.throwIfAborted();
      if (parcel.superseded.signal.aborted) return null;
      try {
        await this.ports.confirmLease();
        this.signal.throwIfAborted();
        return await this.ports.storage.upload(this.toDraft(parcel, id, ahead));
      } catch (error) {
        ahead = null; // part of the trouble, perhaps
        this.signal.throwIfAborted();
        if (tries === 1) {
          this.ports.onTrouble(parcel.save, error);
          // Training goes on meanwhile, and a newer save may take the place of this one.
          this.ports.onSettled(parcel.save.request_id);
        }
        const mayRecover = isUndecided(error) && error instanceof DomainError;
        if (!mayRecover && tries >= TRIES_WHEN_REFUSED) throw error;
      }
      await backoff.wait(stop);
    }
  }

  private toDraft({ save, seq, createdAt }: Parcel, checkpointId: string, ahead: StoredAhead | null) {
    const { lease, provenance } = this.order;
    return {
      dir: save.dir,
      files: save.files,
      ahead,
      checkpoint_id: checkpointId,
      operation_id: lease.operationId,
      attempt: lease.attempt,
      seq,
      kind: save.kind,
      step: save.step,
      epoch: save.epoch,
      created_at: createdAt.toISOString(),
      spec_sha256: provenance.specSha256,
      data_fingerprint: provenance.dataFingerprint,
      trainer: provenance.trainer,
      backend: provenance.backend,
      metrics: save.metrics,
      parent_id: this.last?.checkpointId ?? null,
    };
  }

  private toRecord({ save, seq, createdAt }: Parcel, id: string, uploaded: UploadedCheckpoint, saveMs: number) {
    const { best, step, epoch } = save;
    return {
      id,
      seq,
      kind: save.kind,
      step,
      epoch,
      created_at: createdAt.toISOString(),
      manifest_key: uploaded.manifestKey,
      manifest_sha256: uploaded.manifestSha256,
      bytes: uploaded.bytes,
      files: uploaded.manifest.files.map((file) => ({ ...file })),
      metrics: save.metrics,
      is_best: best !== null && best.step === step && best.epoch === epoch,
      parent_id: uploaded.manifest.parent_id,
      stall_ms: save.stall_ms,
      save_ms: Math.round(saveMs),
      uploaded_bytes: uploaded.uploadedBytes,
    };
  }
}

/** A newer save makes an older one unnecessary, unless somebody waits for exactly that one. */
function supersede(parcel: Parcel): void {
  if (parcel.save.kind === 'periodic') drop(parcel);
}

function drop({ superseded, foreseen }: Parcel): void {
  superseded.abort();
  foreseen?.abandon();
}

function asDomainError(error: unknown): DomainError {
  return error instanceof DomainError ? error : new CheckpointNotStoredError(error);
}

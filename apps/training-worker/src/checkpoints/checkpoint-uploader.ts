import { rm } from 'node:fs/promises';
import type { UploadedCheckpoint } from '@ktrdr/checkpoint';
import { DomainError } from '@ktrdr/errors';
import type { Failpoints } from '@ktrdr/failpoints';
import type { Logger } from 'pino';
import { Backoff } from '../api-link/backoff.js';
import type { ConfirmLease, Lease } from '../api-link/ports.js';
import { isUndecided, type ReportingRpc } from '../api-link/reporting-rpc.js';
import { CheckpointNotStoredError } from '../errors.js';
import { EarlyUpload, isWorthEarlyUpload, type Saving } from './early-upload.js';
import type { CheckpointStorage } from './ports.js';
import { type PendingSave, type Provenance, type Save, toDraft, toRecord } from './save-record.js';
import type { UnsavedTime } from './unsaved-time.js';

export interface CommittedCheckpoint {
  readonly checkpointId: string;
  readonly step: number;
  readonly epoch: number;
}

/** How the upload of a save ended. */
export type UploadResult =
  | ({ readonly kind: 'committed' } & CommittedCheckpoint)
  | { readonly kind: 'superseded' }
  | { readonly kind: 'given-up'; readonly error: DomainError };

export interface UploaderPorts {
  readonly lease: Lease;
  readonly storage: CheckpointStorage;
  readonly rpc: Pick<ReportingRpc, 'call'>;
  readonly confirmLease: ConfirmLease;
  /** Sends the earlier events, which should be recorded before the commit. */
  readonly flushEvents: () => Promise<void>;
  readonly unsaved: Pick<UnsavedTime, 'begin' | 'committed'>;
  readonly newId: () => string;
  readonly log: Logger;
  readonly failpoints: Failpoints;
  /** The attempt is over. */
  readonly signal: AbortSignal;
  /** The trainer may make its next periodic save. */
  readonly onSettled: (requestId: string) => void;
  /** The first failed try of a save; the upload goes on. */
  readonly onTrouble: (error: unknown) => void;
  /** A save that no stop waits for is lost. */
  readonly onGivenUp: (save: Save, error: DomainError) => void;
}

interface Upload extends PendingSave {
  readonly superseded: AbortController;
  readonly settled: PromiseWithResolvers<UploadResult>;
}

const RETRY = { firstMs: 250, lastMs: 10_000 };
/** A store that answers with errors is not tried for ever. */
const TRIES_WHEN_REFUSED = 5;
/** Needed to stop or to finish: nothing newer replaces them, and their folders stay. */
const ESSENTIAL: readonly Save['kind'][] = ['pause', 'cancel', 'shutdown', 'final'];

/** Uploads the saves of an attempt and commits them, one at a time, for as long as that takes. */
export class CheckpointUploader {
  private readonly queue: Upload[] = [];
  private readonly results = new Map<string, Promise<UploadResult>>();
  private current: Upload | undefined;
  private early: EarlyUpload | null = null;
  private last: CommittedCheckpoint | null = null;
  private origin: { readonly provenance: Provenance; readonly reported: Promise<void> } | undefined;
  private seq = 0;
  private working: Promise<void> = Promise.resolve();

  constructor(private readonly ports: UploaderPorts) {}

  /** The newest committed checkpoint, or the one that the attempt started from. */
  get lastCommitted(): CommittedCheckpoint | null {
    return this.last;
  }

  /** The attempt starts from this checkpoint. */
  startFrom(checkpoint: CommittedCheckpoint | null): void {
    this.last = checkpoint;
  }

  get hasBegun(): boolean {
    return this.origin !== undefined;
  }

  /** Training has started. @param reported commits wait for this. */
  begin(provenance: Provenance, reported: Promise<void>): void {
    this.origin = { provenance, reported };
    this.ports.unsaved.begin();
  }

  /** The trainer writes the files of its next save, which are uploaded meanwhile unless another upload is under way. */
  startEarly(saving: Saving): void {
    const { lease, signal } = this.ports;
    const isBusy = this.current ?? this.early ?? this.queue[0];
    if (isBusy || !this.origin || signal.aborted || !isWorthEarlyUpload(saving)) return;
    this.early = new EarlyUpload(saving, lease, this.ports, signal);
  }

  /** The save of this request will not come; without an id, neither will any that is being written. */
  cancelEarly(requestId?: string): void {
    if (requestId === undefined || this.early?.requestId === requestId) this.takeEarly(null);
  }

  add(save: Save): void {
    if (!this.origin) return;
    this.seq += 1;
    const upload: Upload = {
      save,
      lease: this.ports.lease,
      provenance: this.origin.provenance,
      seq: this.seq,
      createdAt: new Date(),
      receivedAt: performance.now(),
      early: this.takeEarly(save.request_id),
      superseded: new AbortController(),
      settled: Promise.withResolvers<UploadResult>(),
    };
    this.results.set(save.request_id, upload.settled.promise);
    this.queue.push(upload);
    // A newer save replaces an older one, unless a stop waits for exactly that one.
    for (const older of [this.current, ...this.queue.slice(0, -1)]) if (older?.save.kind === 'periodic') drop(older);
    this.working = this.working.then(() => this.uploadNext());
  }

  /** How the upload of a save ends; null when there was none with this id. */
  resultOf(requestId: string): Promise<UploadResult> | null {
    return this.results.get(requestId) ?? null;
  }

  /** Settles when every save so far is committed or given up. */
  async idle(): Promise<void> {
    await Promise.all(this.results.values());
  }

  /** Drops every save that is not committed yet. */
  discard(): void {
    this.cancelEarly();
    for (const upload of [this.current, ...this.queue]) if (upload) drop(upload);
  }

  /** The early upload of that request. An early upload of another request is abandoned. */
  private takeEarly(requestId: string | null): EarlyUpload | null {
    const { early } = this;
    this.early = null;
    if (early && early.requestId === requestId) {
      early.written();
      return early;
    }
    early?.abandon();
    return null;
  }

  private async uploadNext(): Promise<void> {
    const { signal, onSettled, onGivenUp, log } = this.ports;
    const upload = this.queue.shift();
    if (!upload || signal.aborted) return;
    const { save, settled } = upload;
    this.current = upload;
    let result: UploadResult;
    try {
      result = await this.uploadUntilComplete(upload);
    } catch (error) {
      if (signal.aborted) return; // callers that wait also follow the signal
      result = { kind: 'given-up', error: error instanceof DomainError ? error : new CheckpointNotStoredError(error) };
    } finally {
      this.current = undefined;
    }
    onSettled(save.request_id);
    settled.resolve(result);
    if (ESSENTIAL.includes(save.kind)) return;
    if (result.kind === 'given-up') onGivenUp(save, result.error);
    await rm(save.dir, { recursive: true, force: true }).catch((err: unknown) => {
      log.warn({ err, dir: save.dir }, 'saved files not removed');
    });
  }

  private async uploadUntilComplete(upload: Upload): Promise<UploadResult> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.uploadAndCommit(upload);
      } catch (error) {
        // Garbage collection took one of its blobs between the upload and the commit.
        const isIncomplete = error instanceof DomainError && error.code === 'checkpoint-failed';
        if (!isIncomplete || tries >= TRIES_WHEN_REFUSED) throw error;
        this.ports.log.warn({ err: error, kind: upload.save.kind }, 'uploading again');
      }
    }
  }

  private async uploadAndCommit(upload: Upload): Promise<UploadResult> {
    const { rpc, lease, log, failpoints, unsaved } = this.ports;
    const flushed = this.ports.flushEvents();
    const uploaded = await this.store(upload, this.ports.newId());
    if (!uploaded) return { kind: 'superseded' };
    await this.origin?.reported;
    await flushed;
    const { kind, step, epoch, write_ms: writeMs = 0 } = upload.save;
    const checkpoint = toRecord(upload, uploaded);
    const { checkpoint_id: checkpointId } = await rpc.call('checkpoint-commit', { checkpoint });
    this.last = { checkpointId, step, epoch };
    unsaved.committed(upload.receivedAt - writeMs);
    const { bytes, save_ms: saveMs } = checkpoint;
    log.info({ checkpointId, kind, step, epoch, bytes, saveMs }, 'checkpoint committed');
    await failpoints.reach('commit.answered', lease.operationId);
    return { kind: 'committed', ...this.last };
  }

  /** Null: a newer save took its place, or it was discarded, before it was stored. */
  private async store(upload: Upload, checkpointId: string): Promise<UploadedCheckpoint | null> {
    const { signal, confirmLease, storage, onTrouble, onSettled } = this.ports;
    const { save, early: earlyUpload, superseded } = upload;
    const stop = AbortSignal.any([signal, superseded.signal]);
    const backoff = new Backoff(RETRY);
    let early = (await earlyUpload?.take(stop)) ?? null;
    for (let tries = 1; ; tries += 1) {
      signal.throwIfAborted();
      if (superseded.signal.aborted) return null;
      try {
        await confirmLease();
        signal.throwIfAborted();
        const parentId = this.last?.checkpointId ?? null;
        return await storage.upload(toDraft(upload, { checkpointId, parentId, early }));
      } catch (error) {
        early = null; // it may be part of the trouble
        signal.throwIfAborted();
        if (tries === 1) {
          onTrouble(error);
          // Training goes on meanwhile, and a newer save may take the place of this one.
          onSettled(save.request_id);
        }
        const mayRecover = isUndecided(error) && error instanceof DomainError;
        if (!mayRecover && tries >= TRIES_WHEN_REFUSED) throw error;
      }
      await backoff.wait(stop);
    }
  }
}

function drop({ superseded, early }: Upload): void {
  superseded.abort();
  early?.abandon();
}

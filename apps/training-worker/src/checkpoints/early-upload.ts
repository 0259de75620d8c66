import type { EarlyBlobs } from '@ktrdr/checkpoint';
import type { TrainerEvent } from '@ktrdr/contracts';
import type { Logger } from 'pino';
import type { CheckpointStorage } from './ports.js';
import type { ConfirmLease, Lease } from '../api-link/ports.js';

export type Saving = Extract<TrainerEvent, { type: 'saving' }>;

/** The upload of a smaller save is too short to gain anything. */
const WORTHWHILE_BYTES = 8 * 1024 * 1024;
/** A larger size is a mistake of the trainer, and would be cut into millions of parts. */
const MOST_BYTES = 16 * 1024 ** 4;
/** Each file stays open while it is followed. */
const MOST_FILES = 64;

export interface EarlyUploadPorts {
  readonly storage: CheckpointStorage;
  readonly confirmLease: ConfirmLease;
  readonly log: Logger;
}

/** Whether such a save is stored while it is written. */
export function isWorthEarlyUpload({ files }: Saving): boolean {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return bytes >= WORTHWHILE_BYTES && bytes <= MOST_BYTES && files.length <= MOST_FILES;
}

/**
 * Uploads the files of a save while the trainer writes them. A failure here is not reported: the upload after the save
 * does everything again, and reports.
 */
export class EarlyUpload {
  readonly requestId: string;
  /** On the clock of `performance.now()`. */
  readonly begunAt = performance.now();
  private isWritten = false;
  private isTaken = false;
  private readonly abandoned = new AbortController();
  private readonly outcome: Promise<EarlyBlobs | null>;

  constructor(
    saving: Saving,
    lease: Lease,
    private readonly ports: EarlyUploadPorts,
    halt: AbortSignal,
  ) {
    this.requestId = saving.request_id;
    const signal = AbortSignal.any([halt, this.abandoned.signal]);
    this.outcome = this.store(saving, lease, signal).catch((err: unknown) => {
      if (!signal.aborted) ports.log.debug({ err, requestId: this.requestId }, 'save not stored while it was written');
      return null;
    });
  }

  /** The save will not come, or is not wanted. */
  abandon(): void {
    this.abandoned.abort();
  }

  /** The files are whole: nothing is added to them any more. */
  written(): void {
    this.isWritten = true;
  }

  /**
   * What was stored, once: a second try reads the files again. Null when there is nothing, or when `stop` comes first.
   */
  async take(stop: AbortSignal): Promise<EarlyBlobs | null> {
    if (this.isTaken || stop.aborted) return null;
    this.isTaken = true;
    const stopped = Promise.withResolvers<null>();
    const onStop = () => stopped.resolve(null);
    stop.addEventListener('abort', onStop);
    try {
      return await Promise.race([this.outcome, stopped.promise]);
    } finally {
      stop.removeEventListener('abort', onStop);
    }
  }

  private async store({ dir, files }: Saving, lease: Lease, signal: AbortSignal): Promise<EarlyBlobs> {
    const at = new Date();
    await this.ports.confirmLease();
    signal.throwIfAborted();
    const stored = await this.ports.storage.startEarly({
      dir,
      files,
      operation_id: lease.operationId,
      attempt: lease.attempt,
      at,
      isWritten: () => this.isWritten,
      signal,
    });
    const { uploadedBytes } = stored;
    this.ports.log.debug({ requestId: this.requestId, uploadedBytes }, 'save stored while it was written');
    return stored;
  }
}

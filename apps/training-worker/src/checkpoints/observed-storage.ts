import type { CheckpointBeingWritten, CheckpointDraft, RestoreOrder } from '@ktrdr/checkpoint';
import { DomainError } from '@ktrdr/errors';
import type { CheckpointStorage } from './ports.js';

/** Longer than the wait between two tries. */
const AWAY_MS = 30_000;

/**
 * Observes whether the bytes of checkpoints move. A trainer makes no step while its checkpoint is fetched, or while the
 * last save is uploaded. Neither means that it is stuck, and neither does waiting for an unreachable store.
 */
export class ObservedStorage implements CheckpointStorage {
  private hasMoved = false;
  private awayUntil = -Infinity;

  constructor(
    private readonly storage: CheckpointStorage,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Whether bytes have moved since the last call, or the store is known to be away. */
  takeMoved(): boolean {
    const moved = this.hasMoved || this.now() < this.awayUntil;
    this.hasMoved = false;
    return moved;
  }

  startEarly(writing: CheckpointBeingWritten) {
    return this.observed(this.storage.startEarly({ ...writing, onMoved: this.onMoved }));
  }

  upload(draft: CheckpointDraft) {
    return this.observed(this.storage.upload({ ...draft, onMoved: this.onMoved }));
  }

  restore(from: RestoreOrder) {
    return this.observed(this.storage.restore({ ...from, onMoved: this.onMoved }));
  }

  private readonly onMoved = (): void => {
    this.hasMoved = true;
  };

  /** Notes an error that means that the store is away, from the worker's or the API's request. */
  heed(error: unknown): boolean {
    const isAway = error instanceof DomainError && error.code === 'object-store-unavailable';
    if (isAway) this.awayUntil = this.now() + AWAY_MS;
    return isAway;
  }

  private async observed<Result>(transfer: Promise<Result>): Promise<Result> {
    try {
      return await transfer;
    } catch (error) {
      this.heed(error);
      throw error;
    }
  }
}

import type { CheckpointBeingWritten, CheckpointDraft, RestoreOrder } from '@ktrdr/checkpoint';
import { DomainError } from '@ktrdr/errors';
import type { CheckpointStorage } from './ports.js';

/** Longer than from one try to the next. */
const AWAY_MS = 30_000;

/**
 * Knows whether a checkpoint's bytes move. A trainer makes no step while its checkpoint is fetched, nor when all is done but
 * the last save is still on its way: that takes as long as it takes, and nothing is stuck. Neither is what waits for a
 * store that cannot be reached.
 */
export class ObservedStorage implements CheckpointStorage {
  private hasMoved = false;
  private awayUntil = -Infinity;

  constructor(
    private readonly storage: CheckpointStorage,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Whether something has moved since this was asked last, or the store is known to be away. */
  takeMoved(): boolean {
    const moved = this.hasMoved || this.now() < this.awayUntil;
    this.hasMoved = false;
    return moved;
  }

  storeAhead(writing: CheckpointBeingWritten) {
    return this.observed(this.storage.storeAhead({ ...writing, onMoved: this.onMoved }));
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

  /** Takes note of it where it says that the store is away, whoever has asked the store. */
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

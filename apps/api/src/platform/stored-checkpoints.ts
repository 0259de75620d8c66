import type { Checkpoint, CheckpointEraser, CheckpointVerifier } from '@ktrdr/operations';
import {
  type CheckpointStore,
  eraseObjects,
  type ObjectRegister,
  type ObjectStore,
  type Verification,
} from '@ktrdr/checkpoint';

/** Verifies and erases what the object store holds of committed checkpoints. */
export class StoredCheckpoints implements CheckpointVerifier, CheckpointEraser {
  private readonly underWay = new Map<string, Promise<Verification>>();

  constructor(
    private readonly store: CheckpointStore,
    private readonly objects: ObjectStore,
    private readonly collection: Pick<ObjectRegister, 'collect'>,
  ) {}

  /** Callers that ask at the same time share one reading of the bytes. */
  async verify({ id, manifestKey, manifestSha256 }: Checkpoint, depth: 'quick' | 'deep') {
    const key = `${id} ${depth}`;
    const underWay =
      this.underWay.get(key) ??
      this.store.verify({ manifestKey, manifestSha256, depth }).finally(() => this.underWay.delete(key));
    this.underWay.set(key, underWay);
    return underWay;
  }

  erase(checkpoint: Checkpoint): Promise<void> {
    return this.eraseAll([checkpoint]);
  }

  async eraseAll(checkpoints: readonly Checkpoint[]): Promise<void> {
    await eraseObjects(this.objects, this.collection, checkpoints);
  }
}

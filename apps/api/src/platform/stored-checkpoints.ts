import type {
  Checkpoint,
  CheckpointAdopter,
  CheckpointEraser,
  CheckpointVerifier,
  Provenance,
  VerificationDepth,
} from '@ktrdr/operations';
import {
  type CheckpointGarbage,
  type CheckpointStore,
  eraseObjects,
  type Manifest,
  type ObjectStore,
} from '@ktrdr/checkpoint';

type Verified = Awaited<ReturnType<CheckpointVerifier['verify']>>;

/** Verifies, hands on and erases what the object store holds of committed checkpoints. */
export class StoredCheckpoints implements CheckpointVerifier, CheckpointAdopter, CheckpointEraser {
  private readonly underWay = new Map<string, Promise<Verified>>();

  constructor(
    private readonly store: CheckpointStore,
    private readonly objects: ObjectStore,
    private readonly garbage: Pick<CheckpointGarbage, 'collect'>,
  ) {}

  /** Callers that ask at the same time share one reading of the bytes. */
  async verify({ id, manifestKey, manifestSha256, files }: Checkpoint, depth: VerificationDepth) {
    const key = `${id} ${depth}`;
    const underWay =
      this.underWay.get(key) ??
      this.read({ manifestKey, manifestSha256, files }, depth).finally(() => this.underWay.delete(key));
    this.underWay.set(key, underWay);
    return underWay;
  }

  adopt(
    { manifestKey, manifestSha256 }: Checkpoint,
    by: { readonly operationId: string; readonly checkpointId: string },
  ): Promise<{ readonly manifestKey: string; readonly manifestSha256: string }> {
    return this.store.adopt({ manifestKey, manifestSha256 }, by);
  }

  erase(checkpoint: Checkpoint): Promise<void> {
    return eraseObjects(this.objects, this.garbage, [checkpoint]);
  }

  private async read(
    reference: Pick<Checkpoint, 'manifestKey' | 'manifestSha256' | 'files'>,
    depth: VerificationDepth,
  ): Promise<Verified> {
    const { manifest, ...verified } = await this.store.verify({ ...reference, depth });
    return { ...verified, provenance: manifest && toProvenance(manifest) };
  }
}

function toProvenance({ data_fingerprint, trainer, backend }: Manifest): Provenance {
  return { dataFingerprint: data_fingerprint, trainer, backend };
}

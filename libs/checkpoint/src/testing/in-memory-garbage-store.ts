import { type BadFile, type Checkpoint, partsOf } from '@ktrdr/operations';
import type { CheckpointGarbage, DamageRecorder, DeploymentRecords, NamedObject } from '../retention/gc-ports.js';

type Implemented = Pick<CheckpointGarbage, 'unnamed' | 'collect' | 'soundCheckpoints'> &
  DamageRecorder &
  Pick<DeploymentRecords, 'deploymentId'>;

/** Rows of checkpoints that live as long as the process. */
export class InMemoryGarbageStore implements Implemented {
  readonly rows = new Map<string, Checkpoint>();
  readonly damaged = new Map<string, readonly BadFile[]>();

  constructor(private readonly id = 'this deployment') {}

  commit(checkpoint: Checkpoint): void {
    this.rows.set(checkpoint.id, checkpoint);
  }

  unnamed(kind: NamedObject, keys: readonly string[]): Promise<readonly string[]> {
    const named = new Set(
      [...this.rows.values()].flatMap(({ manifestKey, files }) =>
        kind === 'manifest' ? manifestKey : files.flatMap(partsOf).map(({ blob }) => blob),
      ),
    );
    return Promise.resolve(keys.filter((key) => !named.has(key)));
  }

  async collect(kind: NamedObject, keys: readonly string[], remove: (key: string) => Promise<void>): Promise<void> {
    for (const key of await this.unnamed(kind, keys)) await remove(key);
  }

  soundCheckpoints({ afterId, limit }: { readonly afterId: string; readonly limit: number }) {
    const sound = [...this.rows.values()].filter(({ id }) => id > afterId && !this.damaged.has(id));
    return Promise.resolve(sound.toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit));
  }

  markCorrupted(id: string, badFiles: readonly BadFile[]): Promise<boolean> {
    const isNew = this.rows.has(id) && !this.damaged.has(id);
    if (isNew) this.damaged.set(id, badFiles);
    return Promise.resolve(isNew);
  }

  deploymentId(): Promise<string> {
    return Promise.resolve(this.id);
  }
}

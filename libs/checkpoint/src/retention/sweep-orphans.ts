import type { Checkpoint } from '@ktrdr/operations';
import type { CheckpointGarbage, DamageRecorder, DeploymentRecords, NamedObject } from './gc-ports.js';
import { COLLECTED_AT_ONCE } from './erase-objects.js';
import { BLOB_PREFIX, CHECKPOINT_PREFIX, isBlobKey, isManifestKey } from '../keys.js';
import { mapParallel } from '../parallel.js';
import type { ListedObject, ObjectStore } from '../ports.js';
import { missingObjects } from '../reading/missing-objects.js';
import { checkStoreOwner } from './store-owner.js';

const ROWS_AT_ONCE = 200;
const PARALLEL_HEADS = 16;

export interface SweepRequest {
  /** What is younger may belong to a save that is about to be committed. */
  readonly modifiedBefore: Date;
  /** Counts without changing anything. */
  readonly dryRun: boolean;
  /** Checked between batches. */
  readonly signal?: AbortSignal;
}

export interface SweepReport {
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
  /** Objects that no row names yet. */
  readonly youngerThanGrace: number;
  /** Committed checkpoints that lack objects. */
  readonly damaged: number;
  /** Why nothing was looked at. */
  readonly skipped: string | null;
}

/** @param skipped why no sweep takes place; null: one begins. */
export function emptyReport(skipped: string | null): SweepReport {
  return { manifests: 0, blobs: 0, bytes: 0, youngerThanGrace: 0, damaged: 0, skipped };
}

type Tally = { -readonly [Key in keyof SweepReport]: SweepReport[Key] };

/**
 * Compares the store with the database, both ways. Removes objects that no row names and that are old enough, manifests
 * before blobs. Marks rows whose objects are missing as damaged; they stay. Leaves alone what is not in the layout.
 * Memory does not grow with the number of objects.
 */
export class SweepOrphans {
  constructor(
    private readonly objects: ObjectStore,
    private readonly garbage: Pick<CheckpointGarbage, 'unnamed' | 'collect' | 'soundCheckpoints'>,
    private readonly damage: DamageRecorder,
    private readonly records: Pick<DeploymentRecords, 'deploymentId'>,
  ) {}

  /** @throws ObjectStoreUnavailableError; what was removed by then is not reported. */
  async execute(options: SweepRequest): Promise<SweepReport> {
    const foreign = await checkStoreOwner(this.objects, this.garbage, this.records);
    if (foreign !== null) return emptyReport(foreign);
    const tally: Tally = { ...emptyReport(null) };
    await this.sweep('manifest', options, tally);
    await this.sweep('blob', options, tally);
    await this.findMissing(options, tally);
    return tally;
  }

  private async sweep(kind: NamedObject, { modifiedBefore, dryRun, signal }: SweepRequest, tally: Tally) {
    const remove = async ({ key, bytes }: ListedObject): Promise<void> => {
      // It may have been stored again since it was listed.
      const head = await this.objects.head(key);
      if (!head || head.modifiedAt >= modifiedBefore) return;
      await this.objects.delete(key);
      count(kind, bytes);
    };
    const count = (what: NamedObject, bytes: number): void => {
      tally[what === 'manifest' ? 'manifests' : 'blobs'] += 1;
      tally.bytes += bytes;
    };
    for await (const batch of this.batches(kind)) {
      signal?.throwIfAborted();
      const listed = new Map(batch.map((object) => [object.key, object]));
      const unnamed = (await this.garbage.unnamed(kind, [...listed.keys()])).flatMap((key) => listed.get(key) ?? []);
      const old = unnamed.filter(({ modifiedAt }) => modifiedAt < modifiedBefore);
      tally.youngerThanGrace += unnamed.length - old.length;
      if (dryRun) old.forEach(({ bytes }) => count(kind, bytes));
      else if (old.length > 0) {
        const keys = old.map(({ key }) => key);
        await this.garbage.collect(kind, keys, async (key) => {
          const object = listed.get(key);
          if (object) await remove(object);
        });
      }
    }
  }

  private async *batches(kind: NamedObject): AsyncIterable<readonly ListedObject[]> {
    const isOfKind = kind === 'manifest' ? isManifestKey : isBlobKey;
    let batch: ListedObject[] = [];
    for await (const object of this.objects.list(kind === 'manifest' ? CHECKPOINT_PREFIX : BLOB_PREFIX)) {
      if (!isOfKind(object.key)) continue;
      batch.push(object);
      if (batch.length < COLLECTED_AT_ONCE) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  private async findMissing({ dryRun, signal }: SweepRequest, tally: Tally): Promise<void> {
    let page: readonly Checkpoint[];
    let afterId = '';
    do {
      signal?.throwIfAborted();
      page = await this.garbage.soundCheckpoints({ afterId, limit: ROWS_AT_ONCE });
      const findings = await mapParallel(page, PARALLEL_HEADS, async (checkpoint) => ({
        id: checkpoint.id,
        badFiles: await missingObjects(this.objects, checkpoint, 1),
      }));
      for (const { id, badFiles } of findings.filter(({ badFiles }) => badFiles.length > 0)) {
        if (dryRun || (await this.damage.markCorrupted(id, badFiles))) tally.damaged += 1;
      }
      afterId = page.at(-1)?.id ?? '';
    } while (page.length === ROWS_AT_ONCE);
  }
}

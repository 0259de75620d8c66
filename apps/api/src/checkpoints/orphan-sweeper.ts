import { BLOB_GRACE_HOURS, type ObjectStore, SweepOrphans, type SweepReport } from '@ktrdr/checkpoint';
import type { CheckpointGarbageStore, PrismaCheckpointRepository, ServiceRecords } from '@ktrdr/operations-prisma';

const LAST_SWEEP = 'last-orphan-sweep';
const LAST_TIDYING = 'last-removal-of-abandoned-writes';
const DAY_MS = 24 * 3_600_000;

export type RecordedSweep = SweepReport & { readonly at: Date };

/** What a sweep says that did not take place. */
export function noSweep(why: string): SweepReport {
  return { manifests: 0, blobs: 0, bytes: 0, youngerThanGrace: 0, damaged: 0, skipped: why };
}

/** Sweeps the object store, one replica at a time, and remembers what the last sweep found. */
export class OrphanSweeper {
  private readonly orphans: SweepOrphans;

  constructor(
    private readonly objects: ObjectStore,
    collection: CheckpointGarbageStore,
    checkpoints: PrismaCheckpointRepository,
    private readonly records: ServiceRecords,
  ) {
    this.orphans = new SweepOrphans(objects, {
      unnamed: (kind, keys) => collection.unnamed(kind, keys),
      collect: (kind, keys, remove) => collection.collect(kind, keys, remove),
      soundCheckpoints: (page) => collection.soundCheckpoints(page),
      markCorrupted: (id, badFiles) => checkpoints.markCorrupted(id, badFiles),
      deploymentId: () => records.deploymentId(),
    });
  }

  async sweep({ graceMs, dryRun, signal }: SweepRequest): Promise<SweepReport> {
    const report = await this.records.alone('orphan-sweep', async () => {
      const modifiedBefore = new Date(Date.now() - graceMs);
      const found = await this.orphans.execute({ modifiedBefore, dryRun, ...(signal ? { signal } : {}) });
      if (!dryRun) await this.records.write(LAST_SWEEP, found);
      return found;
    });
    return report ?? noSweep('another sweep is under way');
  }

  /** Sweeps when the last sweep, of whichever replica, was so long ago; else null. */
  async sweepWhenDue(everyMs: number, request: SweepRequest): Promise<SweepReport | null> {
    return (await this.records.ageMs(LAST_SWEEP)) < everyMs ? null : this.sweep(request);
  }

  /** Once a day: what killed processes left of writes that were begun more than a day ago. */
  async removeAbandonedWrites(): Promise<number> {
    if (!this.objects.removeAbandonedWrites || (await this.records.ageMs(LAST_TIDYING)) < DAY_MS) return 0;
    const removed = await this.objects.removeAbandonedWrites(new Date(Date.now() - BLOB_GRACE_HOURS * 3_600_000));
    await this.records.write(LAST_TIDYING, { removed });
    return removed;
  }

  async last(): Promise<RecordedSweep | null> {
    const record = await this.records.read(LAST_SWEEP);
    return record && { ...(record.value as SweepReport), at: record.at }; // written above, and nowhere else
  }
}

export interface SweepRequest {
  readonly graceMs: number;
  readonly dryRun: boolean;
  readonly signal?: AbortSignal;
}

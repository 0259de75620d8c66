import { BLOB_GRACE_HOURS } from '../blob-writer.js';
import type { ObjectStore } from '../ports.js';
import type { DeploymentRecords } from './gc-ports.js';
import { emptyReport, type SweepOrphans, type SweepReport, type SweepRequest } from './sweep-orphans.js';

const LAST_SWEEP = 'last-orphan-sweep';
const LAST_TIDYING = 'last-removal-of-abandoned-writes';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export type RecordedSweep = SweepReport & { readonly at: Date };

/** Sweeps the object store, one replica at a time, and remembers what the last sweep found. */
export class ScheduledSweep {
  constructor(
    private readonly orphans: SweepOrphans,
    private readonly objects: ObjectStore,
    private readonly records: DeploymentRecords,
  ) {}

  async sweep(request: SweepRequest): Promise<SweepReport> {
    const report = await this.records.alone('orphan-sweep', async () => {
      const found = await this.orphans.execute(request);
      if (!request.dryRun) await this.records.write(LAST_SWEEP, found);
      return found;
    });
    return report ?? emptyReport('another sweep is under way');
  }

  /** Null: a replica swept less than `everyMs` ago. */
  async sweepWhenDue(everyMs: number, request: SweepRequest): Promise<SweepReport | null> {
    return (await this.records.ageMs(LAST_SWEEP)) < everyMs ? null : this.sweep(request);
  }

  /** Once a day: removes what killed processes left of writes older than the grace. Returns how many files that were. */
  async removeAbandonedWrites(now: Date): Promise<number> {
    if (!this.objects.removeAbandonedWrites || (await this.records.ageMs(LAST_TIDYING)) < DAY_MS) return 0;
    const removed = await this.objects.removeAbandonedWrites(new Date(now.getTime() - BLOB_GRACE_HOURS * HOUR_MS));
    await this.records.write(LAST_TIDYING, { removed });
    return removed;
  }

  async last(): Promise<RecordedSweep | null> {
    const record = await this.records.read(LAST_SWEEP);
    return record && { ...(record.value as SweepReport), at: record.at }; // only `sweep` writes it
  }
}

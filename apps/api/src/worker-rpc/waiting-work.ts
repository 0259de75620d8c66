import type { WorkQueue } from '@ktrdr/operations-prisma';

/** Many heartbeats ask the same. */
const REMEMBER_MS = 250;

interface Remembered {
  readonly waits: Promise<boolean>;
  readonly until: number;
}

/** Whether a worker should claim, as it was known a moment ago at most. */
export class WaitingWork {
  private readonly known = new Map<string, Remembered>();

  constructor(
    private readonly queue: Pick<WorkQueue, 'waits'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  for({ pool, capabilities }: { readonly pool: string; readonly capabilities: readonly string[] }): Promise<boolean> {
    const now = this.now();
    const key = [pool, ...capabilities.toSorted()].join(' ');
    const known = this.known.get(key);
    if (known && now < known.until) return known.waits;
    for (const [other, { until }] of this.known) if (until <= now) this.known.delete(other);
    const waits = this.queue.waits(pool, capabilities);
    this.known.set(key, { waits, until: now + REMEMBER_MS });
    waits.catch(() => this.known.delete(key));
    return waits;
  }
}

import type { Violation } from './invariants.js';
import type { OperationGlance, RecordReader } from './operation-record.js';
import { pauseUntil } from './pause.js';

const EVERY_MS = 1_000;

/** Looks at the database again and again: what was seen once must never be otherwise. */
export class Watch {
  readonly violations: Violation[] = [];
  private readonly seen = new Map<string, OperationGlance>();

  constructor(private readonly reader: RecordReader) {}

  /** Calls back each second with what there is, or with null while the database cannot be read. */
  async run(onGlance: (glance: readonly OperationGlance[] | null) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const at = performance.now();
      onGlance(await this.look());
      await pauseUntil(at + EVERY_MS, signal);
    }
  }

  /** One look; null when the database cannot be read. */
  async look(): Promise<readonly OperationGlance[] | null> {
    const glance = await this.reader.glance().catch(() => null);
    if (glance === null) return null;
    const present = new Map(glance.map((row) => [row.id, row]));
    for (const [id, before] of this.seen) this.compare(before, present.get(id));
    for (const [id, row] of present) this.seen.set(id, row);
    return glance;
  }

  private compare(before: OperationGlance, now: OperationGlance | undefined): void {
    const { id, status, version } = before;
    const tell = (invariant: Violation['invariant'], detail: string): void =>
      void this.violations.push({ invariant, operationId: id, detail });
    if (!now) return tell('went-back', `it was ${status} at version ${version}, and now it does not exist`);
    for (const field of ['version', 'attempt', 'eventSeq'] as const) {
      if (now[field] < before[field]) tell('went-back', `${field} was ${before[field]} and now is ${now[field]}`);
    }
    if (status === 'completed' && (now.status !== status || now.version !== version))
      tell('completed-changed', `it was completed at version ${version}, and now is ${now.status} at ${now.version}`);
  }
}

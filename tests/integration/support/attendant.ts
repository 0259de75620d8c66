import type pg from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import type { Visit } from './failpoint-visits.js';
import type { Strikes } from './strikes.js';
import type { StruckStack } from './struck-stack.js';

const LOOKS_EVERY_MS = 50;
/** Some are struck when their operation has already been completed. */
const LAST_STRIKES_WITHIN_MS = 10_000;
const SHORT_WATCHDOG = { seconds: 2, on_stall: 'fail' };

export interface Attended {
  readonly id: string;
  /** null: nothing strikes it. */
  readonly visit: Visit | null;
}

interface Glance {
  readonly id: string;
  readonly status: string;
  readonly isSaved: boolean;
}

/** Who asks for a claim does not know yet which operation it will be. */
export function subjectOf({ point, pool }: Visit, operationId: string): string {
  return point === 'claim.asked' ? pool : operationId;
}

/**
 * The person who looks after operations: pauses and cancels those whose story says so, and resumes what has stopped. Acts
 * upon what the rows say and nothing else, so an answer that was lost with an API is no matter.
 */
export class Attendant {
  constructor(
    private readonly stack: StruckStack,
    private readonly strikes: Strikes,
    private readonly database: pg.Client,
  ) {}

  /** Submits it and pauses it at once: nothing is reached before it is armed. No worker may be there yet. */
  async prepare(spec: Record<string, unknown>, visit: Visit | null, pool: string): Promise<Attended> {
    const { operation_id: id, ...problem } = await this.stack.post('/operations', {
      name: visit ? `${visit.point} ${visit.fault}` : `undisturbed in ${pool}`,
      pool,
      spec,
      max_recoveries: 1_000,
      // Who hangs beside the API is noticed by the steps that are not made.
      watchdog: visit?.fault === 'hang' && visit.process !== 'api' ? SHORT_WATCHDOG : null,
    });
    if (typeof id !== 'string') throw new Error(`not submitted: ${JSON.stringify(problem)}`);
    await this.stack.post(`/operations/${id}/pause`, {});
    return { id, visit };
  }

  /** Arms what is to strike these operations, each of which waits for a resume. */
  async arm(operations: readonly Attended[]): Promise<void> {
    for (const { id, visit } of operations) {
      if (!visit) continue;
      const { point, fault, story } = visit;
      await this.strikes.arm(point, subjectOf(visit, id), fault);
      if (story === 'is paused' || story === 'is cancelled') await this.strikes.hold(id);
      if (story === 'loses its trainer') await this.strikes.doom(id);
    }
  }

  /** Until all are completed and struck, or the time is over: what has become of each, its record tells. */
  async attend(operations: readonly Attended[], withinMs: number): Promise<void> {
    let deadline = performance.now() + withinMs;
    const open = new Map(operations.map((operation) => [operation.id, operation]));
    const busy = new Set<string>();
    while (open.size > 0 && performance.now() < deadline) {
      const glances = await this.look([...open.keys()]);
      for (const { id, status, isSaved } of glances) {
        const operation = open.get(id);
        if (!operation || busy.has(id)) continue;
        if (status === 'completed' && this.isStruck(operation)) open.delete(id);
        busy.add(id);
        void this.actOn(operation, { id, status, isSaved })
          .catch(() => undefined) // nobody answered: it is looked at again
          .finally(() => busy.delete(id));
      }
      if (glances.every(({ status }) => status === 'completed'))
        deadline = Math.min(deadline, performance.now() + LAST_STRIKES_WITHIN_MS);
      await delay(LOOKS_EVERY_MS);
    }
  }

  /** True where nothing is to strike. */
  isStruck({ id, visit }: Attended): boolean {
    return visit === null || this.strikes.wasStruck(visit.point, subjectOf(visit, id));
  }

  private async look(ids: readonly string[]): Promise<readonly Glance[]> {
    const { rows } = await this.database.query<Glance>(
      `SELECT id, status, EXISTS (SELECT 1 FROM checkpoints c WHERE c.operation_id = o.id) AS "isSaved"
       FROM operations o WHERE id = ANY ($1)`,
      [ids],
    );
    return rows;
  }

  private async actOn({ id, visit }: Attended, { status, isSaved }: Glance): Promise<void> {
    if (['paused', 'cancelled', 'failed'].includes(status)) {
      await this.stack.post(`/operations/${id}/resume`, { allow_fallback: true });
      return;
    }
    if (visit?.story !== 'is paused' && visit?.story !== 'is cancelled') return;
    if (this.isStruck({ id, visit })) await this.strikes.release(id);
    else if (status === 'running' && isSaved)
      await this.stack.post(`/operations/${id}/${visit.story === 'is paused' ? 'pause' : 'cancel'}`, {});
  }
}

import { setTimeout as pause } from 'node:timers/promises';
import type { EventLog } from '@ktrdr/operations-prisma';

const ASK_EVERY_MS = 10;
const WAIT_AT_MOST_MS = 1_000;

/**
 * Lets the report of an end wait for what its attempt told before, which came another way: who reads that an operation
 * has ended then reads its last figures too, and its live stream ends with its end. What is later than this second is
 * still recorded, behind the end.
 */
export class ToldEvents {
  constructor(private readonly log: Pick<EventLog, 'holds'>) {}

  async recorded({ operation_id: operationId, attempt, told }: Told): Promise<void> {
    if (!told) return;
    const deadline = performance.now() + WAIT_AT_MOST_MS;
    while (!(await this.log.holds({ operationId, attempt, n: told })) && performance.now() < deadline) {
      await pause(ASK_EVERY_MS);
    }
  }
}

type Told = { readonly operation_id: string; readonly attempt: number; readonly told?: number | undefined };

import type { ExpireLeases, OverdueLimits } from '@ktrdr/operations';
import type { Logger } from 'pino';

/**
 * Frees what dead workers hold, but only after this process has itself had the database and NATS for one full lease:
 * silence that we caused is no sign of death. After an outage or a restart every lease so gets one grace period.
 */
export class LeaseSweeper {
  private healthySince: number | undefined;
  private lastTurnAt: number | undefined;

  constructor(
    private readonly expire: ExpireLeases,
    private readonly surroundings: {
      readonly isMessagingUp: () => boolean;
      readonly isDatabaseUp: () => Promise<boolean>;
      readonly monotonicMs: () => number;
    },
    private readonly limits: OverdueLimits & { readonly leaseMs: number },
    private readonly log: Logger,
  ) {}

  async turn(): Promise<void> {
    const { isMessagingUp, isDatabaseUp, monotonicMs } = this.surroundings;
    const isHealthy = isMessagingUp() && (await isDatabaseUp());
    const now = monotonicMs();
    // A process that was itself stopped for a while has heard nobody in the meantime.
    const wasAsleep = this.lastTurnAt !== undefined && now - this.lastTurnAt > this.limits.leaseMs;
    this.lastTurnAt = now;
    if (!isHealthy || wasAsleep) {
      if (this.healthySince !== undefined) this.log.warn('lease expiry suspended: cut off from the database or nats');
      this.healthySince = undefined;
      if (!isHealthy) return;
    }
    this.healthySince ??= now;
    if (now - this.healthySince < this.limits.leaseMs) return;
    for (const { id, attempt, status } of await this.expire.execute(this.limits))
      this.log.warn({ operationId: id, attempt, status }, 'operation freed');
  }
}

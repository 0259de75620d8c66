import type { ExpireLeases, OverdueLimits } from '@ktrdr/operations';
import type { Logger } from 'pino';

export interface SweeperSurroundings {
  /** Whether NATS answers a question asked now, within this time. */
  readonly isMessagingUp: (withinMs: number) => Promise<boolean>;
  readonly isDatabaseUp: () => Promise<boolean>;
  /** Since this process last dropped a heartbeat unread; `Infinity`: never. */
  readonly droppedAgoMs: () => number;
  readonly monotonicMs: () => number;
}

export interface SweeperLimits extends OverdueLimits {
  readonly leaseMs: number;
  readonly heartbeatMs: number;
}

/** How often it looks for pauses and cancels past their time, which are counted in whole seconds. */
const OVERDUE_EVERY_MS = 1_000;

/**
 * Frees what dead workers hold, but only after this process has itself had the database and NATS for one full lease:
 * silence that we caused is no sign of death. After an outage or a restart every lease so gets one grace period.
 */
export class LeaseSweeper {
  private healthySince: number | undefined;
  private lastHealthyAt: number | undefined;
  private overdueAt = -Infinity;

  constructor(
    private readonly expire: Pick<ExpireLeases, 'execute'>,
    private readonly surroundings: SweeperSurroundings,
    private readonly limits: SweeperLimits,
    private readonly log: Logger,
  ) {}

  async turn(): Promise<void> {
    const cutOff = await this.whyCutOff();
    const now = this.surroundings.monotonicMs();
    if (cutOff) return this.suspend(cutOff);
    if (this.healthySince === undefined) this.log.info({ afterMs: this.limits.leaseMs }, 'lease expiry resumes');
    this.healthySince ??= now;
    if (!this.isSweeping) return;
    const isStillNow = () => this.surroundings.monotonicMs() - now < this.blinkMs;
    const isDue = now - this.overdueAt >= OVERDUE_EVERY_MS;
    if (isDue) this.overdueAt = now;
    try {
      for (const { id, attempt, status } of await this.expire.execute(isDue ? this.limits : null, isStillNow))
        this.log.warn({ operationId: id, attempt, status }, 'operation freed');
    } catch (error) {
      if (await this.surroundings.isDatabaseUp()) throw error;
      this.suspend('database');
    }
  }

  private suspend(cutOff: string): void {
    if (this.healthySince !== undefined) this.log.warn({ cutOff }, 'lease expiry suspended');
    this.healthySince = undefined;
  }

  private get isSweeping(): boolean {
    return (
      this.healthySince !== undefined && this.surroundings.monotonicMs() - this.healthySince >= this.limits.leaseMs
    );
  }

  /** The longest silence of ours that cannot cost a live worker its lease: its heartbeats have so much to spare. */
  private get blinkMs(): number {
    return (this.limits.leaseMs - this.limits.heartbeatMs) * 0.75;
  }

  private async whyCutOff(): Promise<string | null> {
    const { isMessagingUp, isDatabaseUp, monotonicMs } = this.surroundings;
    const [hasMessaging, hasDatabase] = await Promise.all([
      isMessagingUp(this.blinkMs),
      this.isSweeping || isDatabaseUp(), // a sweep asks it
    ]);
    if (!hasMessaging || !hasDatabase) return hasDatabase ? 'nats' : hasMessaging ? 'database' : 'database and nats';
    const now = monotonicMs();
    const gap = now - (this.lastHealthyAt ?? now);
    this.lastHealthyAt = now;
    if (this.surroundings.droppedAgoMs() < this.limits.leaseMs) return 'heartbeats, which were dropped unread';
    // Whoever was slow, this process, the database or NATS: heartbeats were not heard in the meantime.
    return gap > this.blinkMs ? `no answers for ${Math.round(gap)} ms` : null;
  }
}

import { liveWorkers, type WorkerDirectory } from '@ktrdr/operations';
import { type WorkerRecord, WorkerRegistry } from '@ktrdr/operations-prisma';
import { Inject, Injectable } from '@nestjs/common';
import type { ApiConfig } from '../config.js';
import { CONFIG } from '../platform/tokens.js';

const REMEMBER_MS = 1_000;

/** The workers that were heard of within a lease. */
@Injectable()
export class KnownWorkers implements WorkerDirectory {
  private known: { readonly workers: Promise<readonly WorkerRecord[]>; readonly until: number } | undefined;

  constructor(
    @Inject(WorkerRegistry) private readonly registry: WorkerRegistry,
    @Inject(CONFIG) private readonly config: ApiConfig,
  ) {}

  /** Prefetches the worker list for an answer, while the work runs that it is the answer to. */
  prefetch(): void {
    void this.remembered().catch(() => undefined); // the answer asks again and reports the failure
  }

  /** As they are now. */
  async ofPool(pool: string): Promise<readonly WorkerRecord[]> {
    return this.alive(await this.registry.list(), pool);
  }

  /** As they were a second ago at most: who takes an operation is decided later anyway, and many ask at once. */
  async lately(pool: string): Promise<readonly WorkerRecord[]> {
    return this.alive(await this.remembered(), pool);
  }

  private remembered(): Promise<readonly WorkerRecord[]> {
    const now = performance.now();
    if (this.known && now < this.known.until) return this.known.workers;
    const workers = this.registry.list();
    this.known = { workers, until: now + REMEMBER_MS };
    workers.catch(() => (this.known = undefined));
    return workers;
  }

  private alive(workers: readonly WorkerRecord[], pool: string): readonly WorkerRecord[] {
    return liveWorkers(workers, pool, this.config.leaseMs);
  }
}

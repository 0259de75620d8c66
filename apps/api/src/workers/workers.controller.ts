import { Controller, Get, Inject } from '@nestjs/common';
import type { WorkerPage, WorkerView } from '@ktrdr/contracts';
import { type WorkerRecord, WorkerRegistry } from '@ktrdr/operations-prisma';
import type { ApiConfig } from '../config.js';
import { CONFIG } from '../platform/tokens.js';

@Controller('workers')
export class WorkersController {
  constructor(
    @Inject(WorkerRegistry) private readonly workers: WorkerRegistry,
    @Inject(CONFIG) private readonly config: ApiConfig,
  ) {}

  @Get()
  async list(): Promise<WorkerPage> {
    const workers = await this.workers.list();
    return { items: workers.map((worker) => toWorkerView(worker, this.config.leaseMs)) };
  }
}

/** What it holds comes from the operations; `unreachable` means that nothing was heard of it for a whole lease. */
export function toWorkerView(worker: WorkerRecord, leaseMs: number): WorkerView {
  const isFull = worker.operations.length >= worker.slots;
  return {
    worker_id: worker.id,
    pool: worker.pool,
    status: worker.silentMs > leaseMs ? 'unreachable' : worker.draining ? 'draining' : isFull ? 'busy' : 'available',
    version: worker.version,
    host: worker.host,
    pid: worker.pid,
    slots: worker.slots,
    free_slots: Math.max(0, worker.slots - worker.operations.length),
    capabilities: [...worker.capabilities],
    operations: [...worker.operations],
    registered_at: worker.registeredAt.toISOString(),
    last_seen_at: worker.lastSeenAt.toISOString(),
  };
}

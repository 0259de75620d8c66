import { Controller, Inject } from '@nestjs/common';
import { ROUTES, type WorkerPage, type WorkerView } from '@ktrdr/contracts';
import { type WorkerRecord, WorkerRegistry } from '@ktrdr/operations-prisma';
import type { ApiConfig } from '../config.js';
import { type Asked, Serves } from '../http/serves.js';
import { Messaging } from '../platform/messaging.js';
import { CONFIG } from '../platform/tokens.js';

const routes = ROUTES.workers;

@Controller()
export class WorkersController {
  constructor(
    @Inject(WorkerRegistry) private readonly workers: WorkerRegistry,
    @Inject(Messaging) private readonly messaging: Messaging,
    @Inject(CONFIG) private readonly config: ApiConfig,
  ) {}

  @Serves(routes.list)
  async list(): Promise<WorkerPage> {
    const workers = await this.workers.list();
    return { items: workers.map((worker) => toWorkerView(worker, this.config.leaseMs)) };
  }

  /** A draining worker takes nothing new and hands over what it runs, each from a checkpoint saved for it. */
  @Serves(routes.drain)
  async drain({ id, body: { draining } }: Asked<typeof routes.drain>): Promise<WorkerView> {
    const worker = await this.workers.setDraining(id, draining);
    this.messaging.hint(id);
    return toWorkerView(worker, this.config.leaseMs);
  }
}

function statusOf({ draining, isQuarantined }: WorkerRecord, free: number): WorkerView['status'] {
  if (isQuarantined) return 'quarantined';
  if (draining) return 'draining';
  return free === 0 ? 'busy' : 'available';
}

/** What it holds comes from the operations; `unreachable` means that nothing was heard of it for a whole lease. */
function toWorkerView(worker: WorkerRecord, leaseMs: number): WorkerView {
  const free = Math.max(0, worker.slots - worker.operations.length);
  const isSilent = worker.silentMs > leaseMs;
  return {
    worker_id: worker.id,
    pool: worker.pool,
    status: isSilent ? 'unreachable' : statusOf(worker, free),
    version: worker.version,
    host: worker.host,
    pid: worker.pid,
    slots: worker.slots,
    free_slots: isSilent ? 0 : free,
    capabilities: [...worker.capabilities],
    operations: [...worker.operations],
    registered_at: worker.registeredAt.toISOString(),
    last_seen_at: worker.lastSeenAt.toISOString(),
  };
}

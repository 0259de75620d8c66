import { z } from 'zod';

const Instant = z.iso.datetime();

export const DrainBody = z.strictObject({ draining: z.boolean().default(true) });
export type DrainBody = z.input<typeof DrainBody>;
export const WorkerView = z.object({
  worker_id: z.string(),
  pool: z.string(),
  status: z
    .enum(['available', 'busy', 'draining', 'quarantined', 'unreachable', 'removed'])
    .describe('quarantined: three times in a row it was given work and not heard of; ending its drain ends that'),
  version: z.string(),
  host: z.string(),
  pid: z.int(),
  slots: z.int(),
  free_slots: z.int(),
  capabilities: z.array(z.string()),
  operations: z.array(z.string()),
  registered_at: Instant,
  last_seen_at: Instant,
});
export type WorkerView = z.infer<typeof WorkerView>;
export const WorkerPage = z.object({ items: z.array(WorkerView) });
export type WorkerPage = z.infer<typeof WorkerPage>;

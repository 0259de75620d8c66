import { z } from 'zod';
import { Instant } from '../fields.js';

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

export const EnrolmentCreatedView = z.object({
  enrolment_id: z.string(),
  token: z.string().describe('shown this once'),
  pool: z.string(),
  worker_id: z.string().nullable(),
  uses: z.int(),
  expires_at: Instant,
});
export type EnrolmentCreatedView = z.infer<typeof EnrolmentCreatedView>;

export const WorkerCredentialsView = z.object({
  jwt: z.string().describe('NATS user JWT for that key'),
  expires_at: Instant,
  nats_url: z.string(),
  pool: z.string(),
  worker_id: z.string(),
});
export type WorkerCredentialsView = z.infer<typeof WorkerCredentialsView>;

export const IdentityView = z.object({
  nkey: z.string(),
  worker_id: z.string(),
  pool: z.string(),
  created_at: Instant,
});
export type IdentityView = z.infer<typeof IdentityView>;
export const IdentityPage = z.object({ items: z.array(IdentityView) });
export type IdentityPage = z.infer<typeof IdentityPage>;

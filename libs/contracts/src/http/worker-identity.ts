import { z } from 'zod';
import { PoolName } from '../fields.js';
import { WorkerId } from '../worker/worker-rpc.js';

const Instant = z.iso.datetime();
const YEAR_SECONDS = 31_536_000;

export const EnrolmentBody = z.strictObject({
  pool: PoolName.default('default').describe('of the workers that it makes'),
  worker_id: WorkerId.optional().describe('the only worker that it is for; any when not given'),
  uses: z.int().min(1).max(10_000).default(1).describe('how many workers it makes'),
  expires_in: z.int().min(1).max(YEAR_SECONDS).default(3_600).describe('seconds'),
});
export type EnrolmentBody = z.input<typeof EnrolmentBody>;

export const EnrolmentCreatedView = z.object({
  enrolment_id: z.string(),
  token: z.string().describe('shown this once'),
  pool: z.string(),
  worker_id: z.string().nullable(),
  uses: z.int(),
  expires_at: Instant,
});
export type EnrolmentCreatedView = z.infer<typeof EnrolmentCreatedView>;

export const IdentityBody = z.strictObject({
  nkey: z.string().max(100).describe('public key of a NATS user that the worker has made'),
  worker_id: WorkerId,
});
export type IdentityBody = z.input<typeof IdentityBody>;

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
export const IdentityQuery = z.strictObject({ worker_id: WorkerId.optional() });
export const IdentityPage = z.object({ items: z.array(IdentityView) });
export type IdentityPage = z.infer<typeof IdentityPage>;

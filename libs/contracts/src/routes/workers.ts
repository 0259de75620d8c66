import { z } from 'zod';
import { PoolName, WorkerId } from '../fields.js';
import {
  EnrolmentCreatedView,
  IdentityPage,
  WorkerCredentialsView,
  WorkerPage,
  WorkerView,
} from '../http/worker-view.js';
import { route } from './route.js';

export const list = route({
  method: 'GET',
  path: '/workers',
  summary: 'Workers and what they hold',
  reply: WorkerPage,
});

export const drain = route({
  method: 'POST',
  path: '/workers/{id}/drain',
  summary: 'Let a worker hand over what it runs and take nothing new, or end that',
  body: z.strictObject({ draining: z.boolean().default(true) }),
  status: 202,
  reply: WorkerView,
  problems: [404, 422],
});

export const allow = route({
  method: 'POST',
  path: '/workers/enrolments',
  summary: 'Make a token with which new workers of a pool enrol; it is shown this once',
  body: z.strictObject({
    pool: PoolName.default('default').describe('of the workers that it makes'),
    worker_id: WorkerId.optional().describe('the only worker that it is for; any when not given'),
    uses: z.int().min(1).max(10_000).default(1).describe('how many workers it makes'),
    expires_in: z.int().min(1).max(31_536_000).default(3_600).describe('seconds'),
  }),
  status: 201,
  reply: EnrolmentCreatedView,
  problems: [422],
  isUnkeyed: true,
});

export const withdraw = route({
  method: 'DELETE',
  path: '/workers/enrolments/{id}',
  summary: 'Withdraw such a token; workers that it has made stay',
  status: 204,
  problems: [404],
});

export const identities = route({
  method: 'GET',
  path: '/workers/identities',
  summary: 'Keys that count, and which workers they are; the newest first',
  query: z.strictObject({ worker_id: WorkerId.optional() }),
  reply: IdentityPage,
  problems: [422],
});

/** For machines that have an enrolment token and no token of the API. */
export const enrol = route({
  method: 'POST',
  path: '/workers/identities',
  summary: 'Enrol: make a key a worker, and get its credentials for NATS; the same key gets the same answer again',
  body: z.strictObject({
    nkey: z.string().max(100).describe('public key of a NATS user that the worker has made'),
    worker_id: WorkerId,
  }),
  reply: WorkerCredentialsView,
  problems: [409, 422],
  access: 'enrolment',
  isUnkeyed: true,
});

/** For workers, which prove that they have the key. */
export const credentials = route({
  method: 'POST',
  path: '/workers/identities/{nkey}/credentials',
  summary: 'Get new credentials for NATS, also after the last ones have expired',
  reply: WorkerCredentialsView,
  problems: [422],
  access: 'worker-key',
  isUnkeyed: true,
});

export const revoke = route({
  method: 'DELETE',
  path: '/workers/identities/{nkey}',
  summary: 'Revoke a key: its holder is refused from now on, and its worker id is free',
  status: 204,
  problems: [404],
});

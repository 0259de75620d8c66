import {
  EnrolmentBody,
  EnrolmentCreatedView,
  IdentityBody,
  IdentityPage,
  IdentityQuery,
  WorkerCredentialsView,
} from '@ktrdr/contracts';
import type { DocumentedRoute } from './documented-route.js';

/** How a machine becomes a worker, and ceases to be one. */
export const IDENTITY_ROUTES: readonly DocumentedRoute[] = [
  {
    method: 'post',
    path: '/workers/enrolments',
    tag: 'workers',
    summary: 'Make a token with which new workers of a pool enrol; it is shown this once',
    body: EnrolmentBody,
    success: { status: 201, schema: EnrolmentCreatedView },
    problems: [422],
    isUnkeyed: true,
  },
  {
    method: 'delete',
    path: '/workers/enrolments/{id}',
    tag: 'workers',
    summary: 'Withdraw such a token; workers that it has made stay',
    success: { status: 204 },
    problems: [404],
  },
  {
    method: 'get',
    path: '/workers/identities',
    tag: 'workers',
    summary: 'Keys that count, and which workers they are; the newest first',
    query: IdentityQuery,
    success: { status: 200, schema: IdentityPage },
    problems: [422],
  },
  {
    method: 'post',
    path: '/workers/identities',
    tag: 'workers',
    summary: 'Enrol: make a key a worker, and get its credentials for NATS; the same key gets the same answer again',
    body: IdentityBody,
    success: { status: 200, schema: WorkerCredentialsView },
    problems: [409, 422],
    proof: 'Bearer and an enrolment token',
    isUnkeyed: true,
  },
  {
    method: 'post',
    path: '/workers/identities/{nkey}/credentials',
    tag: 'workers',
    summary: 'Get new credentials for NATS, also after the last ones have expired',
    success: { status: 200, schema: WorkerCredentialsView },
    problems: [422],
    proof:
      'Nkey AT.SIGNATURE: seconds from the epoch, at most 60 from the clock of the API, and in base64url ' +
      'the Ed25519 signature of the key over "ktrdr-credentials:NKEY:AT"',
    isUnkeyed: true,
  },
  {
    method: 'delete',
    path: '/workers/identities/{nkey}',
    tag: 'workers',
    summary: 'Revoke a key: whoever holds it is refused from now on, and its worker id is free',
    success: { status: 204 },
    problems: [404],
  },
];

import type { ParsedBody, ROUTES, WorkerCredentialsView } from '@ktrdr/contracts';
import { isProofOf, isPublicNkey, readProof, WorkerCredentials } from '@ktrdr/messaging-nats';
import type { NewEnrolment, WorkerIdentity, WorkerIdentityStore } from '@ktrdr/operations-prisma';
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Logger } from 'pino';
import type { ApiConfig } from '../config.js';
import { RequestInvalidError } from '@ktrdr/operations';
import { UnauthorizedError } from '../http/errors.js';
import type { WorkerIdentities } from '../platform/worker-identities.js';
import {
  ClockOffError,
  EnrolmentNotFoundError,
  EnrolmentRefusedError,
  IdentityNotFoundError,
  WorkerIdTakenError,
  WorkerRevokedError,
  WorkerUnknownError,
} from './errors.js';

/** What a token of an enrolment can look like; nothing else is looked for in the database. */
const TOKEN = /^Bearer ([!-~]{16,200})$/i;
const PROOF = /^Nkey (\S{1,200})$/i;
/** Refuses a proof outside this window: it could be a replay. */
const CLOCK_TOLERANCE_MS = 60_000;

interface Parts {
  readonly store: WorkerIdentityStore;
  readonly identities: WorkerIdentities;
  readonly config: Pick<ApiConfig, 'nats' | 'enrolment'>;
  readonly log: Logger;
  readonly now?: () => number;
}

/** Makes machines workers, gives workers what NATS lets them in with, and ends that. */
export class WorkerEnrolment {
  private readonly credentials: WorkerCredentials;
  private readonly now: () => number;

  constructor(private readonly parts: Parts) {
    const { workerSigning, account } = parts.config.nats;
    this.credentials = new WorkerCredentials(workerSigning, account);
    this.now = parts.now ?? Date.now;
  }

  /** A token for new workers, which is kept by its hash only. */
  async allow(
    body: ParsedBody<typeof ROUTES.workers.allow>,
    createdBy: string,
  ): Promise<{ readonly enrolment: NewEnrolment; readonly expiresAt: Date }> {
    const { pool, uses, expires_in: expiresInSeconds } = body;
    const workerId = body.worker_id ?? null;
    const id = `we_${randomBytes(8).toString('hex')}`;
    const token = `kte_${randomBytes(32).toString('base64url')}`;
    const enrolment = { id, token, pool, workerId, uses, expiresInSeconds, createdBy };
    const expiresAt = await this.parts.store.addEnrolment(enrolment);
    this.parts.log.info({ enrolmentId: id, pool, workerId, uses, expiresAt, createdBy }, 'enrolment of workers made');
    return { enrolment, expiresAt };
  }

  /** @throws {EnrolmentNotFoundError} */
  async withdraw(id: string): Promise<void> {
    if (!(await this.parts.store.withdrawEnrolment(id))) throw new EnrolmentNotFoundError(id);
    this.parts.log.info({ enrolmentId: id }, 'enrolment of workers withdrawn');
  }

  /** @throws {EnrolmentRefusedError} {@link WorkerIdTakenError} {@link WorkerRevokedError} */
  async enrol(
    authorization: string | undefined,
    { nkey, worker_id: workerId }: { readonly nkey: string; readonly worker_id: string },
  ): Promise<WorkerCredentialsView> {
    const token = TOKEN.exec(authorization ?? '')?.[1];
    if (!token) throw new UnauthorizedError('No enrolment token was sent');
    assertUserKey(nkey);
    const standing = this.parts.config.enrolment;
    const isStanding = standing !== null && isEqual(token, standing.token);
    if (isStanding) await this.parts.store.ensureStanding(standing);
    const outcome = await this.parts.store.enrol({ token, nkey, workerId, isStanding });
    if (outcome.kind === 'enrolled') {
      const { identity } = outcome;
      this.parts.log.info({ nkey, workerId: identity.workerId, pool: identity.pool }, 'worker enrolled');
      return this.answer(identity);
    }
    this.parts.log.warn({ nkey, workerId, outcome }, 'enrolment refused');
    if (outcome.kind === 'key-revoked') throw new WorkerRevokedError(nkey, outcome.workerId);
    if (outcome.kind === 'id-taken') throw new WorkerIdTakenError(workerId, outcome.by);
    throw new EnrolmentRefusedError(outcome.reason);
  }

  /** @throws {ClockOffError} {@link WorkerUnknownError} {@link WorkerRevokedError} */
  async renew(authorization: string | undefined, nkey: string): Promise<WorkerCredentialsView> {
    const proof = readProof(PROOF.exec(authorization ?? '')?.[1] ?? '');
    if (!proof) throw new UnauthorizedError('No proof of the key was sent', 'Nkey');
    assertUserKey(nkey);
    if (!isProofOf(nkey, proof)) throw new UnauthorizedError('The proof is not one of this key', 'Nkey');
    const now = this.now();
    if (Math.abs(proof.at * 1000 - now) > CLOCK_TOLERANCE_MS)
      throw new ClockOffError(new Date(proof.at * 1000), new Date(now));
    const identity = await this.parts.store.find(nkey);
    if (!identity) throw new WorkerUnknownError(nkey);
    if (identity.isRevoked) {
      this.parts.log.warn({ nkey, workerId: identity.workerId }, 'credentials refused: the key is revoked');
      throw new WorkerRevokedError(nkey, identity.workerId);
    }
    return this.answer(identity);
  }

  /** @throws {IdentityNotFoundError} */
  async revoke(nkey: string): Promise<void> {
    const workerId = await this.parts.store.revoke(nkey);
    if (workerId === null) throw new IdentityNotFoundError(nkey);
    this.parts.identities.forget(nkey);
    this.parts.log.warn({ nkey, workerId }, 'key of a worker revoked');
  }

  private answer({ nkey, workerId, pool }: WorkerIdentity): WorkerCredentialsView {
    const issuedAt = Math.floor(this.now() / 1000);
    const { jwt, expiresAt } = this.credentials.issue({ nkey, pool, name: workerId, issuedAt });
    return {
      jwt,
      expires_at: new Date(expiresAt * 1000).toISOString(),
      nats_url: this.parts.config.nats.servers,
      pool,
      worker_id: workerId,
    };
  }
}

/** @throws {RequestInvalidError} */
function assertUserKey(nkey: string): void {
  if (isPublicNkey('user', nkey)) return;
  throw new RequestInvalidError('request', [
    { path: 'nkey', message: 'must be the public key of a NATS user, which begins with U' },
  ]);
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(left!, right!);
}

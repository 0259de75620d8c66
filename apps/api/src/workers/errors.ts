import { DomainError } from '@ktrdr/errors';
import type { Suggestion } from '@ktrdr/operations';

/** The token of an enrolment does not make this worker. */
export class EnrolmentRefusedError extends DomainError {
  readonly code = 'enrolment-refused';
  constructor(reason: string) {
    super(`The enrolment token is refused: ${reason}. Make another one for this worker`, {
      reason,
      suggestions: [{ action: 'enrol-worker' }] satisfies Suggestion[],
    });
  }
}

export class EnrolmentNotFoundError extends DomainError {
  readonly code = 'enrolment-not-found';
  constructor(id: string) {
    super(`There is no enrolment ${id}`, { enrolment_id: id });
  }
}

/** Another unrevoked key holds this worker id. */
export class WorkerIdTakenError extends DomainError {
  readonly code = 'worker-id-taken';
  constructor(workerId: string, by: string) {
    super(
      `Another key is the worker ${workerId}. Choose another id (KTRDR_WORKER_ID), or revoke that key to free this one`,
      {
        worker_id: workerId,
        held_by: by,
        suggestions: [{ action: 'revoke-worker', worker_id: workerId }] satisfies Suggestion[],
      },
    );
  }
}

/** No worker has this key. It has to enrol. */
export class WorkerUnknownError extends DomainError {
  readonly code = 'worker-unknown';
  constructor(nkey: string) {
    super(`No worker has the key ${nkey}: it has to enrol first`, { nkey });
  }
}

/** This key was a worker and is none any more. */
export class WorkerRevokedError extends DomainError {
  readonly code = 'worker-revoked';
  constructor(nkey: string, workerId: string) {
    super(
      `The key ${nkey} of the worker ${workerId} is revoked. Remove its identity.nk, and enrol it anew, ` +
        'if it is to work again',
      { nkey, worker_id: workerId, suggestions: [{ action: 'enrol-worker' }] satisfies Suggestion[] },
    );
  }
}

export class IdentityNotFoundError extends DomainError {
  readonly code = 'worker-not-found';
  constructor(nkey: string) {
    super(`No worker has the key ${nkey}`, { nkey });
  }
}

/** The clock of who asks is so far from this one that the question could be an old one. */
export class ClockOffError extends DomainError {
  readonly code = 'clock-off';
  constructor(theirs: Date, ours: Date) {
    super(
      `The clock of the worker says ${theirs.toISOString()}, and that of the API ${ours.toISOString()}: set the one that is wrong`,
      { worker_time: theirs.toISOString(), api_time: ours.toISOString() },
    );
  }
}

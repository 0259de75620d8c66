import { DomainError } from '@ktrdr/errors';
import type { TrainerExit } from './trainers/ports.js';

/** The data source of the specification cannot be read by this worker. */
export class DataNotFoundError extends DomainError {
  readonly code = 'data-not-found';
  constructor(source: string, reason: string, options?: ErrorOptions) {
    super(`The data source ${source} cannot be used: ${reason}`, { source, reason }, options);
  }
}

/** The worker cannot write in its own folder. */
export class SpoolUnusableError extends DomainError {
  readonly code = 'configuration-invalid';
  constructor(folder: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const owner = process.getuid?.() ?? 'USER';
    super(
      `The worker cannot write in its folder ${folder} (${reason}). Make the user that it runs as the owner of the ` +
        `folder or of the one above it: chown -R ${owner} ${folder}; or name another one in KTRDR_WORKER_DIR`,
      { folder },
      { cause },
    );
  }
}

/** What the API handed over cannot be carried out by this worker. */
export class OperationUnusableError extends DomainError {
  readonly code = 'request-invalid';
}

/** The trainer did something that its protocol does not allow. */
export class TrainerProtocolError extends DomainError {
  readonly code = 'trainer-protocol-violated';
}

/** The object store or the spool failed in a way that waiting does not mend. */
export class CheckpointNotStoredError extends DomainError {
  readonly code = 'checkpoint-failed';
  constructor(cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`The checkpoint could not be stored: ${reason}`, { reason }, { cause });
  }
}

/** Why a run ends where it is, whatever it is doing. */
export class RunHalted extends Error {
  constructor(
    readonly kind: 'lease-lost' | 'out-of-time',
    readonly reason: string,
  ) {
    super(reason);
  }
}

/** A trainer did not come up. */
export class TrainerUnreadyError extends Error {
  constructor(
    message: string,
    /** How it ended; null: it never said that it was ready, and was killed. */
    readonly exit: TrainerExit | null,
  ) {
    super(exit ? `${message}: ${JSON.stringify(exit)}` : message);
  }
}

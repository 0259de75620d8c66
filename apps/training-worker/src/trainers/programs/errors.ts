import { DomainError, type ErrorCode, type ErrorDetails } from '@ktrdr/errors';
import type { TrainerExit } from '../ports.js';
import { toTrainerError } from '../trainer-exit.js';

/** This worker runs no programs of its clients, or not this one. */
export class TrainerNotAllowedError extends DomainError {
  readonly code = 'trainer-not-allowed';
  constructor(program: string, reason: string) {
    super(`This worker may not run ${program}: ${reason}`, { program, reason });
  }
}

/** The program of the spec is not on this worker. */
export class TrainerNotFoundError extends DomainError {
  readonly code = 'trainer-not-found';
  constructor(program: string, reason: string) {
    super(`The program ${program} cannot be run on this worker: ${reason}`, { program, reason });
  }
}

/** The program was gone before it could be given its operation. */
export class TrainerNotStartedError extends DomainError {
  readonly code: ErrorCode;
  constructor(exit: TrainerExit) {
    const { code, message, details } = toTrainerError(exit);
    super(message, details satisfies ErrorDetails);
    this.code = code === 'trainer-out-of-memory' || code === 'trainer-refused' ? code : 'trainer-crashed';
  }
}

/** A directory that the program wrote cannot be made a checkpoint. */
export class DirectoryUnusableError extends DomainError {
  readonly code = 'checkpoint-failed';
}

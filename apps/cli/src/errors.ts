import { DomainError, type ErrorCode } from '@ktrdr/errors';

/** There is no token to show to the API. */
export class NotLoggedInError extends DomainError {
  readonly code = 'unauthorized';
  constructor(reason: string) {
    super(`${reason}. Run "ktrdr login", or give --api-token or KTRDR_API_TOKEN`);
  }
}

/** Something on the command line, in a file it names or in the environment cannot be used. */
export class UsageError extends DomainError {
  readonly code: ErrorCode = 'request-invalid';
}

/** The specification cannot be read or parsed. `problems` says where. */
export class SpecFileError extends UsageError {}

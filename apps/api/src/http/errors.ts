import type { Suggestion } from '@ktrdr/operations';
import { DomainError, type ErrorDetails } from '@ktrdr/errors';

export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

/** What was sent does not have the agreed form. */
export class RequestInvalidError extends DomainError {
  readonly code = 'request-invalid';
  constructor(
    part: string,
    readonly problems: readonly FieldProblem[],
  ) {
    super(`The ${part} is not valid: ${sentence(problems)}`, { problems });
  }
}

/** The training spec has fields that cannot be. */
export class SpecInvalidError extends DomainError {
  readonly code = 'spec-invalid';
  constructor(problems: readonly FieldProblem[]) {
    super(`The spec is not valid: ${sentence(problems)}`, { problems });
  }
}

/** The operator has not allowed operations that bring their own program. */
export class TrainerNotAllowedError extends DomainError {
  readonly code = 'trainer-not-allowed';
  constructor() {
    super(
      'This service runs no trainers of your own ("trainer" in the spec). Its operator allows them with ' +
        'KTRDR_PROCESS_TRAINERS=allow on the API and on the workers that may run them',
      { setting: 'KTRDR_PROCESS_TRAINERS' },
    );
  }
}

export class CursorInvalidError extends DomainError {
  readonly code = 'cursor-invalid';
  constructor() {
    super('The cursor was not made by this list; begin again without one');
  }
}

export class UnauthorizedError extends DomainError {
  readonly code = 'unauthorized';
  constructor(reason: string, scheme: 'Bearer' | 'Nkey' = 'Bearer') {
    const suggestions: Suggestion[] = scheme === 'Bearer' ? [{ action: 'log-in' }] : [];
    super(reason, { scheme, suggestions });
  }
}

export class IdempotencyKeyReusedError extends DomainError {
  readonly code = 'idempotency-key-reused';
  constructor(key: string) {
    super('The idempotency key was used for another request; use a new key for a new request', { key });
  }
}

export class IdempotencyInProgressError extends DomainError {
  readonly code = 'idempotency-in-progress';
  constructor(key: string) {
    super('The first request with this idempotency key is still being answered; ask again in a second', { key });
  }
}

export class NoResultError extends DomainError {
  readonly code = 'illegal-transition';
  constructor(details: ErrorDetails & { readonly status: string }) {
    super(`There is no result yet: the operation is ${details.status}`, details);
  }
}

function sentence(problems: readonly FieldProblem[]): string {
  return problems.map(({ path, message }) => `${path || '(document)'}: ${message}`).join('; ');
}

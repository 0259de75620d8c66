import type { Suggestion } from '@ktrdr/operations';
import { DomainError, type ErrorDetails } from '@ktrdr/errors';

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

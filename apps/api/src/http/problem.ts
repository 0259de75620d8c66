import { HttpException, type HttpStatus } from '@nestjs/common';
import { DomainError, type ErrorCode } from '@ktrdr/errors';
import { STATUS_CODES } from 'node:http';

/** The HTTP face of every code. A new code does not compile until it has one. */
const STATUSES: Readonly<Record<ErrorCode, HttpStatus>> = {
  'operation-not-found': 404,
  'checkpoint-not-found': 404,
  'worker-not-found': 404,
  'webhook-not-found': 404,
  'object-not-found': 404,
  'request-invalid': 422,
  'cursor-invalid': 400,
  'spec-invalid': 422,
  unauthorized: 401,
  forbidden: 403,
  'enrolment-not-found': 404,
  'enrolment-refused': 401,
  'worker-unknown': 401,
  'worker-revoked': 401,
  'worker-id-taken': 409,
  'clock-off': 401,
  'idempotency-key-reused': 422,
  'idempotency-in-progress': 409,
  'illegal-transition': 409,
  'pause-refused': 409,
  'checkpoint-in-use': 409,
  'lease-lost': 409,
  'checkpoint-corrupted': 422,
  'checkpoint-incompatible': 422,
  'checkpoint-failed': 409,
  'data-not-found': 422,
  'data-invalid': 422,
  'data-changed': 409,
  'backend-unavailable': 422,
  'layer-unsupported': 422,
  'training-diverged': 409,
  'trainer-crashed': 500,
  'trainer-out-of-memory': 500,
  'trainer-stalled': 500,
  'trainer-protocol-violated': 500,
  'trainer-not-allowed': 403,
  'trainer-not-found': 422,
  'trainer-refused': 422,
  'recovery-exhausted': 409,
  'configuration-invalid': 500,
  'database-unavailable': 503,
  'messaging-unavailable': 503,
  busy: 503,
  'protocol-mismatch': 409,
  'object-store-unavailable': 503,
  'objects-in-use': 503,
  'api-unreachable': 503,
  'shutting-down': 503,
  internal: 500,
};

const FRAMEWORK_CODES: Readonly<Record<number, string>> = {
  400: 'request-invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  413: 'body-too-large',
  415: 'unsupported-media-type',
  429: 'too-many-requests',
  503: 'shutting-down',
};

export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  readonly [field: string]: unknown;
}

/** A keyed request that was refused before is refused again with the same words. */
export class ReplayedProblem extends Error {
  constructor(readonly problem: ProblemDocument) {
    super(problem.title);
  }
}

/** Domain, framework, unknown: one shape for all, and only the last hides its message. */
export function toProblem(error: unknown): ProblemDocument {
  if (error instanceof ReplayedProblem) return error.problem;
  if (error instanceof DomainError) {
    const status = STATUSES[error.code];
    return {
      // An operation's own `status` is part of a refusal; the number keeps the standard's name.
      ...renamed(error.details),
      type: `urn:ktrdr:problem:${error.code}`,
      title: STATUS_CODES[status] ?? 'Error',
      status,
      code: error.code,
      detail: error.message,
    };
  }
  const status = frameworkStatus(error);
  const isHidden = status >= 500 && status !== 503;
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code: FRAMEWORK_CODES[status] ?? (isHidden ? 'internal' : 'request-invalid'),
    ...(isHidden
      ? { detail: 'Something failed inside the API; its log says what, under this request id' }
      : { detail: (error as Error).message }),
  };
}

function frameworkStatus(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  const { statusCode } = error as { statusCode?: unknown };
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 600 ? statusCode : 500;
}

function renamed({ status, ...details }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return status === undefined ? details : { ...details, operation_status: status };
}

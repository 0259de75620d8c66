/** Every code that ktrdr answers with. An edge's table of codes does not compile until it covers a new one. */
export const ERROR_CODES = [
  // what was asked for
  'operation-not-found',
  'checkpoint-not-found',
  'worker-not-found',
  'webhook-not-found',
  'object-not-found',
  'request-invalid',
  'cursor-invalid',
  'spec-invalid',
  'unauthorized',
  'forbidden',
  'enrolment-not-found',
  'enrolment-refused',
  'worker-unknown',
  'worker-revoked',
  'worker-id-taken',
  'clock-off',
  'idempotency-key-reused',
  'idempotency-in-progress',
  // what the state forbids
  'illegal-transition',
  'pause-refused',
  'checkpoint-in-use',
  'lease-lost',
  // checkpoints
  'checkpoint-corrupted',
  'checkpoint-incompatible',
  'checkpoint-failed',
  // training
  'data-not-found',
  'data-invalid',
  'data-changed',
  'backend-unavailable',
  'layer-unsupported',
  'training-diverged',
  'trainer-crashed',
  'trainer-out-of-memory',
  'trainer-stalled',
  'trainer-protocol-violated',
  'trainer-not-allowed',
  'trainer-not-found',
  'trainer-refused',
  'recovery-exhausted',
  // surroundings
  'configuration-invalid',
  'database-unavailable',
  'messaging-unavailable',
  'busy',
  'protocol-mismatch',
  'object-store-unavailable',
  'objects-in-use',
  'api-unreachable',
  'shutting-down',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** Data of an error that is safe to show to its caller. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** A failure with a meaning: `code` for programs, `message` for people, `details` for both. */
export abstract class DomainError extends Error {
  abstract readonly code: ErrorCode;

  constructor(
    message: string,
    readonly details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && (ERROR_CODES as readonly string[]).includes(value);
}

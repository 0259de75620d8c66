import { DomainError, type ErrorCode, type ErrorDetails, isErrorCode } from '@ktrdr/errors';

/** The API refused a request; code, message and details are the API's own. */
export class RpcError extends DomainError {
  readonly code: ErrorCode;
  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details);
    this.code = isErrorCode(code) ? code : 'internal';
  }
}

/** No answer: not connected, no API replica listening, or too slow. Whether the request took effect is unknown. */
export class RpcUnavailableError extends DomainError {
  readonly code = 'messaging-unavailable';
  constructor(what: string, reason: string, options?: ErrorOptions) {
    super(`No answer to ${what}: ${reason}; repeat it until it is answered`, { what, reason }, options);
  }
}

/** There is no connection to NATS. */
export class MessagingUnavailableError extends DomainError {
  readonly code = 'messaging-unavailable';
  constructor(what: string, reason: string, options?: ErrorOptions) {
    super(`NATS cannot be reached for ${what}: ${reason}`, { what, reason }, options);
  }
}

/** What went wrong, in words, of anything thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

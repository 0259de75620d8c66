import { DomainError, type ErrorCode, isErrorCode } from '@ktrdr/errors';
import type { Problem } from '@ktrdr/contracts';

const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'request-invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'object-not-found',
  409: 'illegal-transition',
  422: 'request-invalid',
  503: 'shutting-down',
};

const STANDARD_FIELDS = ['type', 'title', 'status', 'code', 'detail', 'instance'];

/** The API answered, and the answer is a problem (RFC 9457). `problem` is the document as it was sent. */
export class ApiProblemError extends DomainError {
  readonly code: ErrorCode;
  /** The HTTP status. */
  readonly status: number;

  constructor(readonly problem: Problem) {
    const fields = Object.entries(problem).filter(([name]) => !STANDARD_FIELDS.includes(name));
    super(problem.detail ?? problem.title, Object.fromEntries(fields));
    this.status = problem.status;
    // A newer API may know codes that this client does not: the status still says what kind it is.
    this.code = isErrorCode(problem.code) ? problem.code : codeOfStatus(problem.status);
  }
}

/** Nobody answered in time, or the connection broke. What was asked for may or may not have happened. */
export class ApiUnreachableError extends DomainError {
  readonly code = 'api-unreachable';
  constructor({
    url,
    reason,
    message = `Cannot reach the API at ${url}: ${reason}. Check that it is running and that the address is right`,
    cause,
  }: {
    readonly url: string;
    readonly reason: string;
    readonly message?: string;
    readonly cause?: unknown;
  }) {
    super(message, { url, reason }, { cause });
  }
}

/** The time that an answer was waited for is over. The API may well be at work on it. */
export class ApiSilentError extends ApiUnreachableError {
  constructor({ url, waitedMs, cause }: { readonly url: string; readonly waitedMs: number; readonly cause?: unknown }) {
    const reason = `no answer within ${waitedMs / 1000} s`;
    const advice = 'it may still be working. Wait longer, or check that the address is right';
    super({ url, reason, message: `The API at ${url} gave ${reason}: ${advice}`, cause });
  }
}

/** The API answered with something that the contract does not describe: most likely another version, or a proxy. */
export class ApiContractError extends DomainError {
  readonly code = 'internal';
  constructor({
    request,
    faults,
    cause,
  }: {
    readonly request: string;
    readonly faults: readonly string[];
    readonly cause?: unknown;
  }) {
    super(
      `The answer to ${request} is not what this version understands: ${faults.join('; ')}. ` +
        'Check that the address is that of a ktrdr API of the same version',
      { request, faults },
      { cause },
    );
  }
}

/** The address given for the API is not one. */
export class ApiAddressError extends DomainError {
  readonly code = 'configuration-invalid';
  constructor(address: string) {
    super(`${JSON.stringify(address)} is not an address of an API. Give one like http://127.0.0.1:8080`, { address });
  }
}

/** The code that stands for an HTTP status when the answer carries none that we know. */
export function codeOfStatus(status: number): ErrorCode {
  return CODE_OF_STATUS[status] ?? 'internal';
}

/** What happened to a connection, in a few words. */
export function reasonOf(error: unknown): string {
  const { code, name, message } = rootCause(error);
  const known = typeof code === 'string' ? REASONS[code] : undefined;
  if (known) return known;
  return name === 'TimeoutError' ? 'no answer in time' : String(message || name || error);
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection lost',
  EPIPE: 'connection lost',
  ENOTFOUND: 'no host has this name',
  EAI_AGAIN: 'the name cannot be looked up at the moment',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'no answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'no answer in time',
  UND_ERR_SOCKET: 'connection lost',
};

type Cause = Readonly<Partial<Record<'code' | 'name' | 'message' | 'cause' | 'errors', unknown>>>;

/** The innermost error. Read by its fields: platform errors need not be instances of this realm's `Error`. */
function rootCause(error: unknown): Cause {
  const node = (typeof error === 'object' && error !== null ? error : { message: error }) as Cause;
  const { cause, errors } = node;
  if (Array.isArray(errors) && errors.length > 0) return rootCause(errors[0]);
  if (typeof cause === 'object' && cause !== null) return rootCause(cause);
  return node;
}

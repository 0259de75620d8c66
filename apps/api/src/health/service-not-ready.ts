import { ServiceUnavailableException } from '@nestjs/common';
import { DomainError, type ErrorCode } from '@ktrdr/errors';

interface Parts {
  readonly [name: string]: { readonly status?: string; readonly reason?: string };
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  database: 'database-unavailable',
  nats: 'messaging-unavailable',
  object_store: 'object-store-unavailable',
};

/** Names the parts that do not answer, and what they said instead. */
export class ServiceNotReadyError extends DomainError {
  readonly code: ErrorCode;

  private constructor(parts: Parts) {
    const down = Object.entries(parts).filter(([, part]) => part.status !== 'up');
    super(`Not ready: ${down.map(([name, { reason }]) => `${name} (${reason ?? 'down'})`).join(', ')}`, { parts });
    this.code = CODES[down[0]?.[0] ?? ''] ?? 'internal';
  }

  /** What terminus threw, in our words; anything else stays what it is. */
  static from(error: unknown): unknown {
    if (!(error instanceof ServiceUnavailableException)) return error;
    const { details } = error.getResponse() as { details?: Parts };
    return new ServiceNotReadyError(details ?? {});
  }
}

import type { z } from 'zod';

export interface DocumentedRoute {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  readonly path: string;
  readonly tag: 'operations' | 'checkpoints' | 'workers' | 'events' | 'webhooks' | 'health' | 'documentation';
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly success: { readonly status: number; readonly schema?: z.ZodType; readonly contentType?: string };
  /** Beside 400, 401, 413, 415 and 503, which any request can meet. */
  readonly problems?: readonly number[];
  readonly isPublic?: boolean;
  /** What its `Authorization` header carries, where that is not a token of the API. */
  readonly proof?: string;
  /** It takes no `Idempotency-Key`. */
  readonly isUnkeyed?: boolean;
}

import { randomUUID } from 'node:crypto';
import { Problem } from '@ktrdr/contracts';
import type { z } from 'zod';
import { type Backoff, backoffMs, DEFAULT_BACKOFF, wait } from './backoff.js';
import {
  ApiAddressError,
  ApiContractError,
  ApiProblemError,
  ApiSilentError,
  ApiUnreachableError,
  codeOfStatus,
  reasonOf,
} from './errors.js';

/** Where the API is and how patient to be with it. */
export interface TransportOptions {
  readonly url: string;
  readonly token: string;
  /** Sends the requests; the platform's `fetch` unless given. */
  readonly fetch?: typeof fetch;
  /** For one call, tries and pauses included; bytes may take twenty times as long to be sent. Default 15 s. */
  readonly timeoutMs?: number;
  readonly backoff?: Backoff;
  /** Told each time before a call is tried again, with the milliseconds that are left for that. */
  readonly onRetry?: (error: Error, leftMs: number) => void;
  /** Told of each try that has had no answer for `slowAfterMs`, with the milliseconds that it is still waited for. */
  readonly onSlow?: (leftMs: number) => void;
  /** Default 2 s. */
  readonly slowAfterMs?: number;
}

/** How to wait for an answer. */
export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** In place of the client's own limit. */
  readonly timeoutMs?: number;
  /** Repeat it as a POST is repeated. */
  readonly isPatient?: boolean;
}

/** How long an answer is waited for. */
export interface Patience {
  readonly signal: AbortSignal;
  /** Until the signal gives up, in milliseconds; null: silence says nothing, so nobody is told of it. */
  readonly waitMs: number | null;
  /** What the signal gives up after, tries and pauses included, where that is said when it does. */
  readonly limitMs?: number;
}

/** One call. */
export interface ApiRequest<Schema extends z.ZodType> extends ReadOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>> | undefined;
  readonly body?: unknown;
  /** In place of the client's own token. */
  readonly authorization?: string;
  /** Sent as they are instead of a JSON body. */
  readonly bytes?: Uint8Array | undefined;
  /** What the answer must look like; `null` where there is none or none is needed. */
  readonly answer: Schema;
}

/** One HTTP exchange with the API: authorisation, time limit, retries of what can be repeated, problems as errors. */
export class HttpTransport {
  readonly backoff: Backoff;
  readonly timeoutMs: number;
  private readonly base: URL;
  private readonly token: string;
  private readonly send: typeof fetch;
  private readonly onRetry: (error: Error, leftMs: number) => void;
  private readonly onSlow: (leftMs: number) => void;
  private readonly slowAfterMs: number;

  constructor({ url, token, fetch: send, timeoutMs, backoff, onRetry, onSlow, slowAfterMs }: TransportOptions) {
    const base = URL.parse(url.endsWith('/') ? url : `${url}/`);
    if (!base || !/^https?:$/.test(base.protocol)) throw new ApiAddressError(url);
    this.base = base;
    this.token = token;
    this.send = send ?? fetch;
    this.timeoutMs = timeoutMs ?? 15_000;
    this.backoff = backoff ?? DEFAULT_BACKOFF;
    this.onRetry = onRetry ?? (() => undefined);
    this.onSlow = onSlow ?? (() => undefined);
    this.slowAfterMs = slowAfterMs ?? 2_000;
  }

  /** The address of a path, without a trailing slash. */
  address(path = '', query: ApiRequest<z.ZodType>['query'] = {}): string {
    const url = new URL(path.replace(/^\//, ''), this.base);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url.href.replace(/\/$/, '');
  }

  /**
   * Sends a request and returns the body as the API sent it, checked against the contract.
   * A POST carries a fresh Idempotency-Key and is repeated with it until the deadline, so it takes effect once.
   * @throws {ApiProblemError} the API refused. {@link ApiUnreachableError}: no answer. {@link ApiContractError}: a
   * body that the contract does not describe. The signal's reason, when that was aborted.
   */
  async request<Schema extends z.ZodType>(request: ApiRequest<Schema>): Promise<z.output<Schema>> {
    const timeoutMs = request.timeoutMs ?? this.timeoutMs;
    const limitMs = timeoutMs * (request.bytes ? SLOW_UPLOAD : 1);
    const startedAt = performance.now();
    const limit = AbortSignal.timeout(limitMs);
    const deadline = request.signal ? AbortSignal.any([limit, request.signal]) : limit;
    const leftMs = () => startedAt + limitMs - performance.now();
    const key = request.method === 'POST' ? randomUUID() : null;
    let triesUntil = startedAt + timeoutMs;
    const isRepeatable = key !== null || request.method === 'PUT' || request.isPatient === true;
    for (let failures = 1; ; failures += 1) {
      const triedAt = performance.now();
      try {
        // Sending bytes may take its time, which is no silence.
        return await this.exchange(request, key, {
          signal: deadline,
          waitMs: request.bytes ? null : leftMs(),
          limitMs,
        });
      } catch (error) {
        request.signal?.throwIfAborted();
        if (!isRepeatable || !isWorthRepeating(error)) throw error;
        const pauseMs = Math.max(backoffMs(this.backoff, failures), retryAfterMs(error));
        const now = performance.now();
        // Bytes may take long to be sent, but what refuses them at once is asked no longer than for anything else.
        if (request.bytes && now - triedAt > timeoutMs) triesUntil = now + timeoutMs;
        const triesMs = triesUntil - now;
        if (deadline.aborted || triesMs <= 0 || pauseMs > timeoutMs) throw error;
        this.onRetry(error as Error, triesMs);
        if ((await wait(Math.min(pauseMs, triesMs), deadline)) && pauseMs < triesMs) continue;
        request.signal?.throwIfAborted();
        throw error;
      }
    }
  }

  /** Opens a response whose body is read by the caller. */
  async open(address: string, headers: Readonly<Record<string, string>>, patience: Patience): Promise<Response> {
    const response = await this.fetch(address, { headers: { ...this.headers(), ...headers } }, patience);
    if (!response.ok) throw await this.toProblem(response, `GET ${address}`, patience);
    return response;
  }

  private async exchange<Schema extends z.ZodType>(
    { method, path, query, body, bytes, answer, authorization }: ApiRequest<Schema>,
    key: string | null,
    patience: Patience,
  ): Promise<z.output<Schema>> {
    const address = this.address(path, query);
    const headers = {
      ...this.headers(),
      ...(authorization ? { authorization } : {}),
      ...(key ? { 'idempotency-key': key } : {}),
      ...contentType({ body, bytes }),
    };
    const sent = bytes
      ? { body: bytes as Uint8Array<ArrayBuffer> }
      : body === undefined
        ? {}
        : { body: JSON.stringify(body) };
    const response = await this.fetch(address, { method, headers, ...sent }, patience);
    if (!response.ok) throw await this.toProblem(response, `${method} ${address}`, patience);
    return this.read(await this.text(response, patience), answer, `${method} ${address}`);
  }

  private read<Schema extends z.ZodType>(text: string, answer: Schema, request: string): z.output<Schema> {
    const body = jsonOf(text, request);
    const checked = answer.safeParse(body);
    if (!checked.success) {
      const faults = checked.error.issues.map(({ path, message }) => `${path.join('.') || 'the body'}: ${message}`);
      throw new ApiContractError({ request, faults, cause: checked.error });
    }
    // The body itself, not the parsed copy: fields of a newer API must not get lost on the way to the reader.
    return body as z.output<Schema>;
  }

  private async toProblem(response: Response, request: string, patience: Patience): Promise<ApiProblemError> {
    const text = await this.text(response, patience);
    const parsed = Problem.safeParse(parseOrNull(text));
    const problem = parsed.success
      ? parsed.data
      : {
          type: 'about:blank',
          title: response.statusText || 'HTTP error',
          status: response.status,
          code: codeOfStatus(response.status),
          detail: `${request} was answered with HTTP ${response.status} ${response.statusText}`.trimEnd(),
        };
    const error = new ApiProblemError(problem);
    RETRY_AFTER.set(error, Number(response.headers.get('retry-after') ?? 0) * 1000 || 0);
    return error;
  }

  /** What is said of a connection that was lost, or given up. */
  toLoss(cause: unknown, { signal, limitMs }: Patience): ApiUnreachableError {
    const url = this.address();
    const reason: unknown = signal.reason;
    const isOver = reason instanceof DOMException && reason.name === 'TimeoutError';
    if (isOver && limitMs !== undefined) return new ApiSilentError({ url, waitedMs: limitMs, cause });
    return new ApiUnreachableError({ url, reason: reasonOf(cause), cause });
  }

  private async text(response: Response, patience: Patience): Promise<string> {
    try {
      return await response.text();
    } catch (error) {
      throw this.toLoss(error, patience);
    }
  }

  private async fetch(address: string, init: RequestInit, patience: Patience): Promise<Response> {
    const { signal, waitMs } = patience;
    const { slowAfterMs } = this;
    const slow = waitMs === null ? undefined : setTimeout(() => this.onSlow(waitMs - slowAfterMs), slowAfterMs);
    try {
      return await this.send(address, { ...init, signal });
    } catch (error) {
      throw this.toLoss(error, patience);
    } finally {
      clearTimeout(slow);
    }
  }

  private headers(): Record<string, string> {
    return { authorization: `Bearer ${this.token}`, accept: 'application/json, application/problem+json' };
  }
}

/** So many times longer may it take to send a part of a checkpoint. */
const SLOW_UPLOAD = 20;

function contentType({ body, bytes }: Pick<ApiRequest<z.ZodType>, 'body' | 'bytes'>): Record<string, string> {
  if (bytes) return { 'content-type': 'application/octet-stream' };
  return body === undefined ? {} : { 'content-type': 'application/json' };
}

const RETRY_AFTER = new WeakMap<ApiProblemError, number>();

function retryAfterMs(error: unknown): number {
  return error instanceof ApiProblemError ? (RETRY_AFTER.get(error) ?? 0) : 0;
}

/** No answer, not now, or our own earlier try is still at it. */
function isWorthRepeating(error: unknown): boolean {
  if (error instanceof ApiUnreachableError) return true;
  return error instanceof ApiProblemError && (error.status === 503 || error.code === 'idempotency-in-progress');
}

function jsonOf(text: string, request: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiContractError({ request, faults: [`the body is not JSON: ${text.slice(0, 60)}`], cause: error });
  }
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a proxy's page, say: the status tells enough
  }
}

import { EventView, OperationView } from '@ktrdr/contracts';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { z } from 'zod';
import { backoffMs, wait } from './backoff.js';
import { ApiContractError, ApiProblemError, ApiUnreachableError, reasonOf } from './errors.js';
import type { HttpTransport } from './http-transport.js';

/** What comes out of a stream. Connection news is part of it, in order, so that a reader can say what happened. */
export type StreamItem =
  | { readonly kind: 'snapshot'; readonly id: string | null; readonly operation: OperationView }
  | { readonly kind: 'event'; readonly id: string | null; readonly event: EventView }
  | { readonly kind: 'disconnected'; readonly error: Error }
  | { readonly kind: 'reconnected' };

export interface StreamOptions {
  /** Only this operation; all of them unless given. */
  readonly operationId?: string;
  /** Start after this message. */
  readonly lastEventId?: string;
  readonly signal?: AbortSignal;
  /** Give up when nobody has answered for this long. Default 10 minutes. */
  readonly giveUpAfterMs?: number;
  /** A connection without a byte for this long counts as broken. Default 45 s; the API sends comments meanwhile. */
  readonly silenceMs?: number;
}

const Snapshot = z.object({ operation: OperationView });

/**
 * Live events, across as many connections as it takes: after a break it asks for what came after the last message it
 * has seen, and drops what it already had. Ends when the signal is aborted.
 * @throws {ApiProblemError} the API refuses the stream. {@link ApiUnreachableError}: not reachable for too long.
 */
export async function* streamEvents(transport: HttpTransport, options: StreamOptions): AsyncGenerator<StreamItem> {
  const { operationId, signal, giveUpAfterMs = 600_000, silenceMs = 45_000 } = options;
  const address = transport.address('events', { operation_id: operationId });
  const seen = new Map<string, number>();
  let lastEventId = options.lastEventId;
  let failures = 0;
  let downSince: number | null = null;
  while (!signal?.aborted) {
    const connection = new SseConnection(transport, { address, lastEventId, silenceMs, signal });
    try {
      for await (const message of connection.messages()) {
        if (message === 'open') {
          if (downSince !== null) yield { kind: 'reconnected' };
          downSince = null;
          continue;
        }
        failures = 0;
        const item = toItem(message, address);
        if (message.id !== undefined) lastEventId = message.id;
        if (item && isNew(item, seen)) yield item;
      }
      throw new ApiUnreachableError({ url: transport.address(), reason: 'the stream ended' });
    } catch (error) {
      if (signal?.aborted) return;
      if (!isTransient(error)) throw error;
      failures += 1;
      if (downSince === null) yield { kind: 'disconnected', error };
      downSince ??= performance.now();
      if (performance.now() - downSince > giveUpAfterMs) throw error;
    } finally {
      connection.close();
    }
    if (!(await wait(backoffMs(transport.backoff, failures), signal))) return;
  }
}

function isNew(item: StreamItem, seen: Map<string, number>): boolean {
  if (item.kind !== 'event') return true;
  const { operation_id, seq } = item.event;
  if (seq <= (seen.get(operation_id) ?? 0)) return false;
  seen.set(operation_id, seq);
  return true;
}

function toItem({ event, id = null, data }: SseMessage, address: string): StreamItem | null {
  const body: unknown = parse(data, address);
  if (event === 'snapshot') {
    const operation = check(Snapshot, body, address).operation;
    return { kind: 'snapshot', id, operation };
  }
  return { kind: 'event', id, event: check(EventView, body, address) };
}

function check<Schema extends z.ZodType>(schema: Schema, body: unknown, address: string): z.output<Schema> {
  const checked = schema.safeParse(body);
  if (checked.success) return body as z.output<Schema>;
  const faults = checked.error.issues.map(({ path, message }) => `${path.join('.') || 'the message'}: ${message}`);
  throw new ApiContractError({ request: `GET ${address}`, faults, cause: checked.error });
}

function parse(data: string, address: string): unknown {
  try {
    return JSON.parse(data);
  } catch (error) {
    throw new ApiContractError({ request: `GET ${address}`, faults: ['a message is not JSON'], cause: error });
  }
}

function isTransient(error: unknown): error is Error {
  if (error instanceof ApiUnreachableError) return true;
  return error instanceof ApiProblemError && (error.status >= 500 || error.status === 429);
}

type SseMessage = Omit<EventSourceMessage, 'id'> & { readonly id?: string | null | undefined };

interface ConnectionOptions {
  readonly address: string;
  readonly lastEventId: string | undefined;
  readonly silenceMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One HTTP response, message by message. */
class SseConnection {
  private readonly ending = new AbortController();

  constructor(
    private readonly transport: HttpTransport,
    private readonly options: ConnectionOptions,
  ) {}

  /** `open` once the API has accepted, then the messages. */
  async *messages(): AsyncGenerator<'open' | EventSourceMessage> {
    const { address, lastEventId, silenceMs, signal } = this.options;
    const silence = setTimeout(() => this.ending.abort(new Error(`silent for ${silenceMs / 1000} s`)), silenceMs);
    try {
      const response = await this.transport.open(
        address,
        { accept: 'text/event-stream', ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) },
        // A silent stream is told of as a broken one.
        { signal: signal ? AbortSignal.any([signal, this.ending.signal]) : this.ending.signal, waitMs: null },
      );
      yield 'open';
      const arrived: EventSourceMessage[] = [];
      const parser = createParser({ onEvent: (message) => arrived.push(message) });
      for await (const text of this.chunks(response)) {
        silence.refresh();
        parser.feed(text);
        yield* arrived.splice(0);
      }
    } finally {
      clearTimeout(silence);
    }
  }

  close(): void {
    this.ending.abort();
  }

  private async *chunks(response: Response): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    try {
      for await (const bytes of response.body ?? []) yield decoder.decode(bytes, { stream: true });
    } catch (error) {
      throw new ApiUnreachableError({ url: this.transport.address(), reason: reasonOf(error), cause: error });
    }
  }
}

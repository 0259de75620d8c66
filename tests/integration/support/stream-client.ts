import { type ClientRequest, get } from 'node:http';
import type { SeededRandom } from '../../../tools/chaos/seeded-random.js';
import type { RunningApi } from './processes.js';

interface Message {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly operation_id?: string; readonly seq?: number };
}

/** What the client holds against the stream: a number left out, one told twice or too late. */
export interface StreamFault {
  readonly client: string;
  readonly operationId: string;
  readonly kind: 'gap' | 'duplicate';
  readonly after: number;
  readonly got: number;
}

export type StreamClientOptions = Readonly<{
  name: string;
  /** Any of them is as good as another. */
  apis: () => readonly RunningApi[];
  /** Only this operation; all of them when it is not said. */
  operationId?: string;
  random: SeededRandom;
  /** How long a connection is kept, on average. */
  keptMs: number;
}>;

/**
 * A client of the live stream, which loses its connection at any moment, in the middle of a message too, and comes back
 * to whichever replica with the id of the last message that it has had in full. It forgives nothing and sorts nothing.
 */
export class StreamClient {
  readonly faults: StreamFault[] = [];
  connections = 0;
  refusals = 0;
  messages = 0;
  private readonly newest = new Map<string, number>();
  private lastEventId: string | undefined;
  private request: ClientRequest | undefined;
  private cutTimer: NodeJS.Timeout | undefined;
  private isClosed = false;
  private isSteady = false;

  constructor(private readonly options: StreamClientOptions) {}

  open(): void {
    if (this.isClosed) return;
    const { apis, operationId, random, keptMs } = this.options;
    const choices = apis();
    const api = choices[random.below(choices.length)];
    if (!api) throw new Error('There is no API to follow');
    const path = operationId === undefined ? '/events' : `/events?operation_id=${operationId}`;
    const headers = {
      ...api.headers,
      ...(this.lastEventId === undefined ? {} : { 'last-event-id': this.lastEventId }),
    };
    this.connections += 1;
    const request = get(`${api.url}${path}`, { agent: false, headers: { ...headers, accept: 'text/event-stream' } });
    this.request = request;
    if (!this.isSteady) this.cutTimer = setTimeout(() => request.destroy(), random.gap(keptMs));
    request.on('response', (response) => {
      if (response.statusCode !== 200) {
        this.refusals += 1;
        response.resume();
        return;
      }
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          this.take(text.slice(0, end));
          text = text.slice(end + 2);
        }
      });
      response.on('error', () => undefined); // the close tells
    });
    request.on('error', () => undefined);
    request.on('close', () => {
      clearTimeout(this.cutTimer);
      // At once when it was cut off; after a moment where nobody listens.
      if (!this.isClosed) setTimeout(() => this.open(), random.between(0, 50));
    });
  }

  /** From now on it keeps its connection for as long as it can. */
  steady(): void {
    this.isSteady = true;
    clearTimeout(this.cutTimer);
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.cutTimer);
    this.request?.destroy();
  }

  /** The newest number that it has of an operation; undefined when it has had none. */
  newestOf(operationId: string): number | undefined {
    return this.newest.get(operationId);
  }

  private take(block: string): void {
    const message = parse(block);
    if (!message) return;
    this.messages += 1;
    const { id, type, data } = message;
    const { operationId } = this.options;
    if (type === 'snapshot' && operationId !== undefined) {
      // It says where the stream begins: at the first connection anywhere, later exactly behind what was told.
      this.count(operationId, Number(id), this.lastEventId === undefined ? Number(id) : Number(this.lastEventId));
    } else if (data.operation_id !== undefined && data.seq !== undefined) {
      const before = this.newest.get(data.operation_id);
      this.count(data.operation_id, data.seq, before === undefined ? data.seq : before + 1);
    }
    this.lastEventId = id;
  }

  private count(operationId: string, got: number, expected: number): void {
    if (got !== expected) {
      const kind = got > expected ? 'gap' : 'duplicate';
      this.faults.push({ client: this.options.name, operationId, kind, after: expected - 1, got });
    }
    this.newest.set(operationId, got);
  }
}

function parse(block: string): Message | null {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart());
  }
  const [id, type, data] = [fields.get('id'), fields.get('event'), fields.get('data')];
  if (id === undefined || type === undefined || data === undefined) return null;
  return { id, type, data: JSON.parse(data) as Message['data'] };
}

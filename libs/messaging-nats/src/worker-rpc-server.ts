import {
  RPC_PROTOCOL,
  WORKER_RPC,
  type WorkerRpcMethod,
  type WorkerRpcReply,
  type WorkerRpcRequest,
} from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import { parseStorable } from '@ktrdr/operations';
import type { Msg, Subscription } from '@nats-io/transport-node';
import { isInboxOf } from './credentials/nats-user.js';
import type { NatsSession } from './nats-session.js';
import { RequestAges } from './request-age.js';
import { RPC_HEADERS } from './subjects.js';

/** One function a method; what it throws becomes the refusal. */
export type WorkerRpcHandlers = {
  readonly [M in WorkerRpcMethod]: (request: WorkerRpcRequest<M>) => Promise<WorkerRpcReply<M>>;
};

export interface ServerLimits {
  /** Of each method, how many requests are handled at once. */
  readonly atOnce: number;
  /** Of each method, how many are held unparsed, those that are handled included; one more is answered `busy`. */
  readonly held?: number;
  readonly heldBytes?: number;
}

/** Who has sent a request: not what the request says, but whose key NATS has checked. */
export interface Asker {
  readonly workerId: string;
  readonly pool: string;
}

export interface ServerPorts {
  /** The worker of a key; what it throws becomes the refusal. */
  readonly identify: (nkey: string) => Promise<Asker>;
  /** A forged request was refused: it names another worker, or sends its answer elsewhere. */
  readonly onForged?: (nkey: string, method: WorkerRpcMethod, what: string) => void;
  /** What was not a refusal but a fault; the worker only hears `internal`. */
  readonly onError: (method: string, error: unknown) => void;
  /** A request was dropped unread: its asker does not wait any more. */
  readonly onDropped?: (method: WorkerRpcMethod) => void;
}

/** See `RpcEnvelope` of the contracts. */
type Envelope =
  | { readonly ok: true; readonly reply: unknown }
  | {
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      readonly details: Readonly<Record<string, unknown>>;
    };

interface Request {
  readonly message: Msg;
  /** Key of its sender. */
  readonly nkey: string;
  readonly staleAt: number;
}

/** Requests of one method, in the order in which they came. */
class Lane {
  readonly waiting: Request[] = [];
  underWay = 0;
  bytes = 0;

  constructor(
    readonly method: WorkerRpcMethod,
    readonly subscription: Subscription,
  ) {}
}

const LIMITS: ServerLimits = { atOnce: 32 };

/** Answers workers, as far as it has handlers. The replicas of the API share the requests between them. */
export class WorkerRpcServer {
  private lanes: Lane[] = [];
  private readonly inFlight = new Set<Promise<void>>();
  private readonly ages = new RequestAges();

  constructor(
    private readonly session: NatsSession,
    private readonly handlers: Partial<WorkerRpcHandlers>,
    private readonly ports: ServerPorts,
    private readonly limits: ServerLimits = LIMITS,
  ) {}

  start(): void {
    if (this.lanes.length > 0) return;
    const { connection, subjects } = this.session;
    this.lanes = (Object.keys(this.handlers) as WorkerRpcMethod[]).map((method) => {
      const subscription = connection.subscribe(subjects.rpcOfAll(method), {
        queue: 'api',
        callback: (error, message) => {
          if (error) this.ports.onError('subscription', error);
          else this.receive(lane, message);
        },
      });
      const lane: Lane = new Lane(method, subscription);
      return lane;
    });
  }

  /** Takes no further request and finishes those it has. */
  async stop(): Promise<void> {
    const lanes = this.lanes.splice(0);
    await Promise.all(
      lanes.map(async ({ subscription }) => {
        if (subscription.isClosed()) return;
        if (this.session.isConnected) await subscription.drain();
        else subscription.unsubscribe();
      }),
    );
    while (this.inFlight.size > 0) await Promise.all(this.inFlight);
  }

  private receive(lane: Lane, message: Msg): void {
    const nkey = message.subject.split('.')[2] ?? '';
    if (!message.reply || !isInboxOf(nkey, message.reply))
      return this.ports.onForged?.(nkey, lane.method, 'the answer would go elsewhere');
    const { held = Infinity, heldBytes = Infinity } = this.limits;
    const staleAt = performance.now() + this.timeLeft(message);
    if (lane.underWay + lane.waiting.length >= held || lane.bytes + message.data.length > heldBytes)
      return send(
        message,
        refusal('busy', `This replica holds as many requests ${lane.method} as it may; wait a moment`),
      );
    lane.bytes += message.data.length;
    lane.waiting.push({ message, nkey, staleAt });
    this.begin(lane);
  }

  /** How long its asker will wait for an answer yet. */
  private timeLeft({ headers }: Msg): number {
    const [clock, sentAt, waits] = [RPC_HEADERS.clock, RPC_HEADERS.sentAt, RPC_HEADERS.waits].map((name) =>
      headers?.get(name),
    );
    if (!clock || !sentAt || !waits) return Infinity;
    return Number(waits) - this.ages.ageOf(clock, Number(sentAt));
  }

  private begin(lane: Lane): void {
    while (lane.underWay < this.limits.atOnce) {
      const next = lane.waiting.shift();
      if (!next) return;
      const { message, nkey, staleAt } = next;
      if (performance.now() > staleAt) {
        lane.bytes -= message.data.length;
        this.ports.onDropped?.(lane.method);
        continue;
      }
      lane.underWay += 1;
      const answered = this.answer(lane.method, message, nkey).finally(() => {
        lane.underWay -= 1;
        lane.bytes -= message.data.length;
        this.inFlight.delete(answered);
        this.begin(lane);
      });
      this.inFlight.add(answered);
    }
  }

  private async answer(method: WorkerRpcMethod, message: Msg, nkey: string): Promise<void> {
    let envelope: Envelope;
    try {
      envelope = protocolRefusal(method, message) ?? (await this.handle(method, message, nkey));
    } catch (error) {
      envelope = this.toRefusal(method, error);
    }
    try {
      send(message, envelope);
    } catch (error) {
      this.ports.onError(method, error); // larger than a message may be
      send(message, refusal('internal', `The answer to ${method} could not be sent`));
    }
  }

  private async handle<M extends WorkerRpcMethod>(method: M, message: Msg, nkey: string): Promise<Envelope> {
    const asker = await this.ports.identify(nkey);
    const request = WORKER_RPC[method].request.safeParse(parseStorable(message.string()));
    if (!request.success) {
      const problems = request.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
      return refusal('request-invalid', `The request ${method} does not have the agreed form`, { problems });
    }
    const pretence = pretenceOf(request.data, asker);
    if (pretence !== null) {
      this.ports.onForged?.(nkey, method, pretence);
      return refusal('forbidden', `The worker ${asker.workerId} of the pool ${asker.pool} ${pretence}`);
    }
    const handler = this.handlers[method] as (request: unknown) => Promise<unknown>;
    return { ok: true, reply: await handler(request.data) };
  }

  private toRefusal(method: string, error: unknown): Envelope {
    if (error instanceof DomainError) return refusal(error.code, error.message, error.details);
    if (error instanceof SyntaxError) return refusal('request-invalid', `The request ${method} is not JSON`);
    this.ports.onError(method, error);
    return refusal('internal', `The request ${method} failed inside the API; its log says why`);
  }
}

function protocolRefusal(method: string, { headers }: Msg): Envelope | null {
  const spoken = headers?.get(RPC_HEADERS.protocol) || 'none';
  if (spoken === String(RPC_PROTOCOL)) return null;
  const message = `The API speaks protocol ${RPC_PROTOCOL} with workers, and the request ${method} is of protocol ${spoken}: give both the same release`;
  return refusal('protocol-mismatch', message, { spoken, expected: String(RPC_PROTOCOL) });
}

/** What a request says of its sender that is not so; null: nothing. */
function pretenceOf(
  { worker_id: workerId, pool }: { readonly worker_id: string; readonly pool?: string },
  asker: Asker,
): string | null {
  if (workerId !== asker.workerId) return `speaks for the worker ${workerId}`;
  return pool !== undefined && pool !== asker.pool ? `speaks for the pool ${pool}` : null;
}

function send(message: Msg, envelope: Envelope): void {
  message.respond(JSON.stringify(envelope));
}

function refusal(code: string, message: string, details: Readonly<Record<string, unknown>> = {}): Envelope {
  return { ok: false, code, message, details: { ...details } };
}

import { WORKER_RPC, type WorkerRpcMethod, type WorkerRpcReply, type WorkerRpcRequest } from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import { parseStorable } from '@ktrdr/operations';
import type { Msg, Subscription } from '@nats-io/transport-node';
import type { NatsSession } from './nats-session.js';

/** One function a method; what it throws becomes the refusal. */
export type WorkerRpcHandlers = {
  readonly [M in WorkerRpcMethod]: (request: WorkerRpcRequest<M>) => Promise<WorkerRpcReply<M>>;
};

/** See `RpcEnvelope` of the contracts. */
type Envelope =
  | { readonly ok: true; readonly reply: unknown }
  | {
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      readonly details: Readonly<Record<string, unknown>>;
    };

/** Answers workers. The replicas of the API share the requests between them. */
export class WorkerRpcServer {
  private subscription: Subscription | undefined;
  private readonly inFlight = new Set<Promise<void>>();

  /** @param onError is told of what was not a refusal but a fault; the worker only hears `internal`. */
  constructor(
    private readonly session: NatsSession,
    private readonly handlers: WorkerRpcHandlers,
    private readonly onError: (method: string, error: unknown) => void,
  ) {}

  start(): void {
    if (this.subscription) return;
    this.subscription = this.session.connection.subscribe(this.session.subjects.allRpc, {
      queue: 'api',
      callback: (error, message) => {
        if (error) return this.onError('subscription', error);
        const answered = this.answer(message);
        this.inFlight.add(answered);
        void answered.finally(() => this.inFlight.delete(answered));
      },
    });
  }

  /** Takes no further request and finishes those it has. */
  async stop(): Promise<void> {
    const subscription = this.subscription;
    this.subscription = undefined;
    if (subscription && !subscription.isClosed()) {
      if (this.session.isConnected) await subscription.drain();
      else subscription.unsubscribe();
    }
    await Promise.all(this.inFlight);
  }

  private async answer(message: Msg): Promise<void> {
    const method = this.session.subjects.methodOf(message.subject);
    let envelope: Envelope;
    try {
      envelope = isMethod(method)
        ? await this.handle(method, parseStorable(message.string()))
        : refusal('request-invalid', `There is no worker RPC named ${method}`);
    } catch (error) {
      envelope = this.toRefusal(method, error);
    }
    try {
      message.respond(JSON.stringify(envelope));
    } catch (error) {
      this.onError(method, error); // larger than a message may be
      message.respond(JSON.stringify(refusal('internal', `The answer to ${method} could not be sent`)));
    }
  }

  private async handle<M extends WorkerRpcMethod>(method: M, body: unknown): Promise<Envelope> {
    const request = WORKER_RPC[method].request.safeParse(body);
    if (!request.success) {
      const problems = request.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
      return refusal('request-invalid', `The request ${method} does not have the agreed form`, { problems });
    }
    const handler = this.handlers[method] as (request: unknown) => Promise<unknown>;
    return { ok: true, reply: await handler(request.data) };
  }

  private toRefusal(method: string, error: unknown): Envelope {
    if (error instanceof DomainError) return refusal(error.code, error.message, error.details);
    if (error instanceof SyntaxError) return refusal('request-invalid', `The request ${method} is not JSON`);
    this.onError(method, error);
    return refusal('internal', `The request ${method} failed inside the API; its log says why`);
  }
}

function isMethod(method: string): method is WorkerRpcMethod {
  return Object.hasOwn(WORKER_RPC, method);
}

function refusal(code: string, message: string, details: Readonly<Record<string, unknown>> = {}): Envelope {
  return { ok: false, code, message, details: { ...details } };
}

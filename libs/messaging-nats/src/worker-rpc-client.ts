import { randomBytes } from 'node:crypto';
import {
  RPC_PROTOCOL,
  RpcEnvelope,
  WORKER_RPC,
  type WorkerRpcMethod,
  type WorkerRpcReply,
  type WorkerRpcRequest,
} from '@ktrdr/contracts';
import { headers, RequestError, TimeoutError } from '@nats-io/transport-node';
import { reasonOf, RpcError, RpcUnavailableError } from './errors.js';
import type { NatsSession } from './nats-session.js';
import { RPC_HEADERS } from './subjects.js';

export interface RpcClientOptions {
  /** The API answers that this key is no worker. */
  readonly onDismissed?: () => void;
  /** The version of the protocol in requests; {@link RPC_PROTOCOL} when not set. */
  readonly protocol?: number;
}

/** Asks the API. Every request can be repeated, and the caller decides how often. */
export class WorkerRpcClient {
  /** Names this process, whose clock its requests carry. */
  private readonly clock = randomBytes(8).toString('hex');

  constructor(
    private readonly session: NatsSession,
    private readonly options: RpcClientOptions = {},
  ) {}

  /** Limit of one request, in bytes. */
  get maxBytes(): number {
    return this.session.maxBytes;
  }

  /**
   * @throws {RpcError} when the API refused, or the request is larger than NATS takes.
   * @throws {RpcUnavailableError} without an answer in time; the request may still have taken effect.
   */
  async call<M extends WorkerRpcMethod>(
    method: M,
    request: WorkerRpcRequest<M>,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<WorkerRpcReply<M>> {
    const body = JSON.stringify(request);
    const excess = this.session.excessOf(body);
    if (excess) throw new RpcError('request-invalid', `The request ${method} is too large: ${excess}`);
    const answer = await this.send(method, body, timeoutMs);
    const envelope = RpcEnvelope.safeParse(answer);
    if (!envelope.success) throw new RpcUnavailableError(method, 'the answer was not an RPC envelope');
    if (!envelope.data.ok) {
      const { code, message, details } = envelope.data;
      if (code === 'worker-revoked' || code === 'worker-unknown') this.options.onDismissed?.();
      throw new RpcError(code, message, details);
    }
    const reply = WORKER_RPC[method].reply.safeParse(envelope.data.reply);
    if (!reply.success) throw new RpcUnavailableError(method, 'the reply does not have the agreed form');
    return reply.data as WorkerRpcReply<M>;
  }

  private async send(method: string, body: string, timeoutMs: number): Promise<unknown> {
    // The buffer would send this request after its timeout.
    if (!this.session.isConnected) throw new RpcUnavailableError(method, 'not connected to NATS');
    try {
      const { connection, subjects, settings } = this.session;
      const sent = headers();
      sent.set(RPC_HEADERS.protocol, String(this.options.protocol ?? RPC_PROTOCOL));
      sent.set(RPC_HEADERS.clock, this.clock);
      sent.set(RPC_HEADERS.sentAt, performance.now().toFixed());
      sent.set(RPC_HEADERS.waits, String(timeoutMs));
      const subject = subjects.rpc(settings.user.key.publicKey, method);
      const answer = connection.request(subject, body, { timeout: timeoutMs, headers: sent });
      const message = await this.session.unlessDisconnected(answer);
      return message.json();
    } catch (error) {
      throw new RpcUnavailableError(method, inWords(error, timeoutMs), { cause: error });
    }
  }
}

function inWords(error: unknown, timeoutMs: number): string {
  if (error instanceof RequestError && error.isNoResponders()) return 'no API replica is listening';
  if (error instanceof TimeoutError) return `nothing within ${timeoutMs} ms`;
  return reasonOf(error);
}

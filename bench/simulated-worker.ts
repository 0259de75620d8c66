import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { MOST_EVENTS, type WorkerEvent } from '@ktrdr/contracts';
import { type NatsSession, type NatsUser, RpcError, RpcUnavailableError, WorkerRpcClient } from '@ktrdr/messaging-nats';

// As the worker has them.
const HEARTBEAT_MS = 2_000;
const AGAIN_MS = 500;
const EVENTS_WITHIN_MS = 5_000;
const FIRST_EVENTS = 16;
const SPREAD_MS = 1_000;

const ASK = { timeoutMs: 10_000 };
/** Of a type that needs no trainer and no checkpoint. */
const CAPABILITIES = ['type:data_generation'];
export const SIMULATED_SPEC = { type: 'data_generation', spec: { version: 1, rows: 2 } } as const;

/** One heartbeat: when it was sent (`performance.now()`), what it waited for (ms), and whether an answer came in time. */
export type Heartbeat = Readonly<{ sentAt: number; ms: number; isAnswered: boolean }>;

/** Where the events of a worker come from. */
export interface EventSource {
  /** The next ones, at most `most`. */
  take(most: number): Promise<readonly WorkerEvent[]>;
  recorded(events: readonly WorkerEvent[]): void;
}

/** Its connections to NATS: events have one for themselves. */
export type WorkerSessions = Readonly<{ session: NatsSession; events: NatsSession }>;

/** A worker without a trainer: it claims, sends heartbeats and events as the worker does, and completes nothing. */
export class SimulatedWorker {
  readonly heartbeats: Heartbeat[] = [];
  readonly operations: string[] = [];
  /** Leases that a heartbeat was refused. */
  leasesLost = 0;
  private wakeUp = new AbortController();
  private isToSpread = false;
  private mostEvents = FIRST_EVENTS;
  private readonly rpc: WorkerRpcClient;
  private readonly eventRpc: WorkerRpcClient;

  constructor(
    readonly id: string,
    private readonly pool: string,
    private readonly sessions: WorkerSessions,
  ) {
    this.rpc = new WorkerRpcClient(sessions.session);
    this.eventRpc = new WorkerRpcClient(sessions.events);
    sessions.session.onStatus(({ kind }) => kind === 'reconnected' && this.wakeUp.abort());
    sessions.events.onStatus(({ kind }) => kind === 'reconnected' && this.spread());
  }

  /** Registers and claims `count` operations that are submitted already. */
  async claim(count: number): Promise<void> {
    const { rpc } = this;
    const worker = { worker_id: this.id, pool: this.pool, capabilities: CAPABILITIES };
    const details = { version: '0', host: 'h', pid: 1, slots: count, leases: [] };
    await untilAnswered(() => rpc.call('register', { ...worker, ...details }, ASK));
    while (this.operations.length < count) {
      const claim = { ...worker, claim_id: randomUUID() };
      const { operation } = await untilAnswered(() => rpc.call('claim', claim, ASK));
      if (operation && operation.attempt > 1) throw new Error(`${operation.operation_id} was claimed twice`);
      if (operation) this.operations.push(operation.operation_id);
      else await delay(20);
    }
  }

  async beat(end: AbortSignal, everyMs = HEARTBEAT_MS): Promise<void> {
    const leases = this.operations.map((operation_id) => ({ operation_id, attempt: 1, moved: true }));
    await pause(Math.random() * everyMs, end);
    while (!end.aborted) {
      this.wakeUp = new AbortController();
      if (!this.sessions.session.isConnected) {
        await pause(AGAIN_MS, AbortSignal.any([end, this.wakeUp.signal]));
        continue;
      }
      const sentAt = performance.now();
      const request = { worker_id: this.id, free_slots: 0, leases };
      const reply = await this.rpc.call('heartbeat', request, { timeoutMs: HEARTBEAT_MS }).catch(nullIfUnanswered);
      const ms = performance.now() - sentAt;
      this.heartbeats.push({ sentAt, ms, isAnswered: reply !== null });
      this.leasesLost += reply?.directives.filter(({ directive }) => directive.kind === 'lease-lost').length ?? 0;
      await pause(reply ? everyMs - ms : AGAIN_MS, AbortSignal.any([end, this.wakeUp.signal]));
    }
  }

  /** One batch under way, repeated until it is answered. */
  async send(source: EventSource, end: AbortSignal): Promise<void> {
    const unsent: WorkerEvent[] = [];
    while (!end.aborted) {
      if (this.isToSpread) await pause(Math.random() * SPREAD_MS, end);
      this.isToSpread = false;
      if (unsent.length < this.mostEvents) unsent.push(...(await source.take(this.mostEvents - unsent.length)));
      const events = unsent.slice(0, this.mostEvents);
      if (events.length === 0) continue;
      try {
        await this.eventRpc.call('events', { worker_id: this.id, events }, { timeoutMs: EVENTS_WITHIN_MS });
      } catch (error) {
        if (error instanceof RpcError && error.code === 'busy') this.spread();
        else if (nullIfUnanswered(error) === null) await pause(AGAIN_MS, end);
        continue;
      }
      unsent.splice(0, events.length);
      source.recorded(events);
      this.mostEvents = Math.min(this.mostEvents * 2, MOST_EVENTS);
    }
  }

  private spread(): void {
    this.isToSpread = true;
    this.mostEvents = FIRST_EVENTS;
  }
}

/** The part of one worker in a connection that many share, and which may speak for each of them. */
export function sharedBy({ key, inboxPrefix }: NatsUser, session: NatsSession): NatsSession {
  const request: NatsSession['connection']['request'] = (subject, body, options) =>
    session.connection.request(subject, body, {
      timeout: ASK.timeoutMs,
      ...options,
      noMux: true,
      reply: `${inboxPrefix}.${randomBytes(8).toString('hex')}`,
    });
  return Object.create(session, {
    connection: { value: Object.create(session.connection, { request: { value: request } }) },
    settings: { value: { ...session.settings, user: { key } } },
  }) as NatsSession;
}

async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await ask().catch(nullIfUnanswered);
    if (answer !== null) return answer;
    await delay(AGAIN_MS);
  }
}

/** @throws whatever is not the lack of an answer. */
function nullIfUnanswered(error: unknown): null {
  if (error instanceof RpcUnavailableError) return null;
  throw error;
}

async function pause(ms: number, end: AbortSignal): Promise<void> {
  await delay(Math.max(0, ms), undefined, { signal: end }).catch(() => undefined);
}

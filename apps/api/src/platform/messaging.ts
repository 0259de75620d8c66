import type { ControlHint } from '@ktrdr/contracts';
import type { Failpoints } from '@ktrdr/failpoints';
import type { Dispatcher, Operation } from '@ktrdr/operations';
import { isWaiting } from '@ktrdr/operations';
import { apiUser, HintPublisher, NatsSession, type SessionStatus } from '@ktrdr/messaging-nats';
import type { Logger } from 'pino';
import type { ApiConfig } from '../config.js';
import type { WorkerIdentities } from './worker-identities.js';

interface Sessions {
  readonly session: NatsSession;
  /** What workers tell comes on a connection of its own, so that nothing else waits behind it. */
  readonly events: NatsSession;
}

const REFUSED =
  'the server must run in operator mode, with the configuration that belongs to KTRDR_NATS_CREDS_FILE: ' +
  '`ktrdr nats-config DIR` writes both';

type OnConnected = (sessions: Sessions) => void;

/**
 * The API's connection to NATS. It starts without it and goes on when it comes; until then nothing is hinted.
 */
export class Messaging implements Dispatcher {
  private readonly stopped = new AbortController();
  private readonly waiting = new Set<OnConnected>();
  private sessions: Sessions | undefined;
  private hints: HintPublisher | undefined;
  private connecting: Promise<void> | undefined;
  private droppedAt = -Infinity;

  constructor(
    private readonly config: ApiConfig['nats'],
    private readonly identities: Pick<WorkerIdentities, 'keyOf'>,
    private readonly log: Logger,
    private readonly failpoints: Failpoints,
  ) {}

  connect(): void {
    this.connecting ??= this.establish();
  }

  /** Calls back once, as soon as there is a connection. */
  whenConnected(callback: OnConnected): void {
    if (this.sessions) callback(this.sessions);
    else this.waiting.add(callback);
  }

  get isConnected(): boolean {
    return this.sessions?.session.isConnected ?? false;
  }

  /** Whether NATS answers now; asks it. */
  async answers(withinMs: number): Promise<boolean> {
    return (await this.sessions?.session.answers(withinMs)) ?? false;
  }

  /** A heartbeat was dropped unread: silence of workers is no sign of their death now. */
  heartbeatDropped(): void {
    this.droppedAt = performance.now();
  }

  droppedAgoMs(): number {
    return performance.now() - this.droppedAt;
  }

  announce({ id, status, pool }: Operation): void {
    if (!isWaiting(status)) return;
    this.failpoints
      .reach('hint.unsent', id)
      .then(() => this.workWaits(pool))
      .catch((error: unknown) =>
        this.log.warn({ operationId: id, err: error }, 'hint not sent; a heartbeat brings it'),
      );
  }

  /** One idle worker of the pool claims. */
  workWaits(pool: string): void {
    this.hints?.work(pool);
  }

  /** Other replicas read on. */
  recorded(): void {
    this.hints?.recorded();
  }

  /** This worker claims. */
  wake(workerId: string): void {
    this.tell(workerId, { work_waits: true });
  }

  hint(workerId: string): void {
    this.tell(workerId, {});
  }

  async close(): Promise<void> {
    this.stopped.abort();
    await this.connecting;
    await Promise.all([this.sessions?.session.close(), this.sessions?.events.close()]);
  }

  private tell(workerId: string, hint: ControlHint): void {
    this.identities
      .keyOf(workerId)
      .then((nkey) => nkey !== null && this.hints?.control(nkey, hint))
      .catch((error: unknown) => this.log.warn({ workerId, err: error }, 'hint not sent; a heartbeat brings it'));
  }

  private async establish(): Promise<void> {
    try {
      const session = await this.open('ktrdr-api');
      const events = await this.open('ktrdr-api, events');
      this.hints = new HintPublisher(session);
      this.sessions = { session, events };
      session.onChange((status) => this.logChange(status));
      this.log.info('nats connected');
      for (const callback of this.waiting) callback(this.sessions);
      this.waiting.clear();
    } catch (error) {
      if (!this.stopped.signal.aborted) throw error;
    }
  }

  private logChange({ kind }: SessionStatus): void {
    if (kind === 'refused') this.log.error({ advice: REFUSED }, 'nats refuses KTRDR_NATS_CREDS_FILE');
    else this.log.info({ nats: kind }, 'nats connection changed');
  }

  private open(name: string): Promise<NatsSession> {
    const { servers, prefix, user } = this.config;
    return NatsSession.connect(
      { servers, prefix, name, user: apiUser(user) },
      {
        signal: this.stopped.signal,
        onWaiting: (waiting, { isRefusal }) => {
          if (isRefusal) this.log.error({ waiting, advice: REFUSED }, 'nats refuses KTRDR_NATS_CREDS_FILE');
          else this.log.warn({ waiting }, 'waiting for nats');
        },
      },
    );
  }
}

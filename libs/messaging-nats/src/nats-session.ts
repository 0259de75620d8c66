import { setTimeout as delay } from 'node:timers/promises';
import { connect, errors, type NatsConnection } from '@nats-io/transport-node';
import { type NatsUser, userAuthenticator } from './credentials/nats-user.js';
import { MessagingUnavailableError, reasonOf } from './errors.js';
import { type Subjects, subjectsOf } from './subjects.js';

export interface NatsSettings {
  /** One address or several, comma-separated. */
  readonly servers: string;
  readonly user: NatsUser;
  /** First token of every subject. */
  readonly prefix: string;
  /** Shown in the server's connection list. */
  readonly name: string;
}

export interface ConnectOptions {
  readonly signal?: AbortSignal;
  /** Called about once a second while it waits. `isRefusal`: a server answers and refuses this user. */
  readonly onWaiting?: (message: string, why: { readonly isRefusal: boolean }) => void;
}

export type SessionStatus =
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'reconnected' }
  | { readonly kind: 'error'; readonly message: string }
  /** The server does not accept the token, or no longer. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'closed' };

const CONNECT_TIMEOUT_MS = 2_000;
const RETRY_EVERY_MS = 250;
const REPORT_EVERY_MS = 1_000;
/** Counted with a message. */
const HEADER_BYTES = 1_024;
/** After two unanswered pings a silent peer counts as gone: within ten seconds. */
const PING_EVERY_MS = 4_000;

class NatsRefusal extends Error {}
const REFUSALS = [NatsRefusal, errors.AuthorizationError, errors.UserAuthenticationExpiredError] as const;
const isRefusal = (error: unknown): boolean => REFUSALS.some((type) => error instanceof type);

/** One connection to NATS that reconnects until it is closed. */
export class NatsSession {
  readonly subjects: Subjects;
  private readonly listeners = new Set<(status: SessionStatus) => void>();
  private connected = true;

  private constructor(
    readonly connection: NatsConnection,
    readonly settings: NatsSettings,
  ) {
    this.subjects = subjectsOf(settings.prefix);
    void this.follow();
  }

  /**
   * Waits until a server answers, however long that takes.
   * @throws {MessagingUnavailableError} when the signal aborts first.
   */
  static async connect(settings: NatsSettings, { signal, onWaiting }: ConnectOptions = {}): Promise<NatsSession> {
    const servers = settings.servers.split(',').map((server) => server.trim());
    const prove = userAuthenticator(settings.user);
    let asksForProof = false;
    let reportedAt = -Infinity;
    for (;;) {
      try {
        const connection = await connect({
          servers,
          name: settings.name,
          // A server without a nonce verifies no identity. At a reconnect it may leave the nonce out.
          authenticator: (nonce?: string) => {
            asksForProof = nonce !== undefined;
            return prove(nonce);
          },
          inboxPrefix: settings.user.inboxPrefix,
          timeout: CONNECT_TIMEOUT_MS,
          pingInterval: PING_EVERY_MS,
          maxPingOut: 2,
          maxReconnectAttempts: -1,
          ignoreAuthErrorAbort: true,
          noEcho: true, // a sender needs no copy of its own message
          noAsyncTraces: true, // three stack traces a request, for an error that hardly ever comes
          reconnectDelayHandler: () => RETRY_EVERY_MS + Math.random() * RETRY_EVERY_MS,
        });
        if (asksForProof) return new NatsSession(connection, settings);
        await connection.close();
        throw new NatsRefusal('it does not run in operator mode');
      } catch (error) {
        if (signal?.aborted) throw new MessagingUnavailableError('the connection', reasonOf(error), { cause: error });
        if (performance.now() - reportedAt >= REPORT_EVERY_MS) {
          reportedAt = performance.now();
          const where = servers.map(withoutCredentials).join(', ');
          onWaiting?.(`waiting for NATS at ${where}: ${reasonOf(error)}`, { isRefusal: isRefusal(error) });
        }
        await pauseFor(RETRY_EVERY_MS, signal);
        if (signal?.aborted) throw new MessagingUnavailableError('the connection', 'stopped while waiting for it');
      }
    }
  }

  get isConnected(): boolean {
    return this.connected && !this.connection.isClosed();
  }

  /** Limit of the body of one message, in bytes. */
  get maxBytes(): number {
    return (this.connection.info?.max_payload ?? 1024 * 1024) - HEADER_BYTES;
  }

  /** Says that a message exceeds the limit of the server; null: it does not. */
  excessOf(body: string): string | null {
    const bytes = Buffer.byteLength(body);
    const limit = this.maxBytes;
    return bytes > limit ? `it has ${bytes} bytes, and NATS takes ${limit} (max_payload)` : null;
  }

  /** Whether the server answers now. A connection that was cut without a word looks connected for ten seconds more. */
  async answers(withinMs: number): Promise<boolean> {
    if (!this.isConnected) return false;
    const late = new AbortController();
    try {
      return await Promise.race([
        this.connection.rtt().then(() => true),
        pauseFor(withinMs, late.signal).then(() => false),
      ]);
    } catch {
      return false; // disconnected meanwhile: that is the answer
    } finally {
      late.abort();
    }
  }

  /** Connects again with the newest token. Pending requests are rejected as at any loss of the connection. */
  async reconnect(): Promise<void> {
    if (!this.connection.isClosed() && !this.connection.isDraining()) await this.connection.reconnect();
  }

  /** Returns a function that ends the subscription. */
  onStatus(listener: (status: SessionStatus) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Only when the status is of another kind than the last one: a server refuses again at every try. */
  onChange(listener: (status: SessionStatus) => void): () => void {
    let last: SessionStatus['kind'] | undefined;
    return this.onStatus((status) => {
      if (status.kind !== last) listener(status);
      last = status.kind;
    });
  }

  /**
   * The answer, or a rejection as soon as the connection is lost: an answer under way never comes, and waiting for its
   * timeout would waste seconds of a connection that is back long before.
   */
  unlessDisconnected<T>(answer: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const end = this.onStatus(({ kind }) => {
      if (kind === 'disconnected' || kind === 'closed') reject(new Error('the connection was lost'));
    });
    answer.then(resolve, reject);
    return promise.finally(end);
  }

  /** Sends what is buffered, lets subscriptions finish, disconnects. Safe to call twice. */
  async close(): Promise<void> {
    if (this.connection.isClosed()) return;
    // Without a server, drain would wait for one.
    if (!this.connected || this.connection.isDraining()) await this.connection.close();
    else await this.connection.drain().catch(() => this.connection.close());
  }

  private async follow(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect' && this.connected) {
        this.connected = false;
        this.notify({ kind: 'disconnected' });
      } else if (status.type === 'reconnect') {
        this.connected = true;
        this.notify({ kind: 'reconnected' });
      } else if (status.type === 'error') {
        this.notify({ kind: isRefusal(status.error) ? 'refused' : 'error', message: status.error.message });
      }
    }
    this.connected = false;
    this.notify({ kind: 'closed' });
  }

  private notify(status: SessionStatus): void {
    for (const listener of this.listeners) listener(status);
  }
}

function withoutCredentials(server: string): string {
  return server.replace(/\/\/[^@/]*@/, '//');
}

/** Settles after `ms`, or at once when the signal aborts. */
async function pauseFor(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
}

import { NatsSession, type Nkey, workerUser } from '@ktrdr/messaging-nats';
import type { Logger } from 'pino';
import type { WorkerConfig } from '../config.js';
import { apiCredentials } from '../credentials/api-credentials.js';
import { CredentialKeeper } from '../credentials/credential-keeper.js';
import { loadIdentityKey } from '../credentials/identity-key.js';

/** The worker's connections to NATS, and the credentials that they are opened with. */
export class ApiLink {
  private readonly sessions: NatsSession[] = [];
  private readonly dismissal = new AbortController();
  private renewing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly config: WorkerConfig['nats'],
    private readonly key: Nkey,
    private readonly credentials: CredentialKeeper,
    /** As the API knows this worker. */
    readonly admitted: { readonly workerId: string; readonly pool: string; readonly natsUrl: string },
    private readonly log: Logger,
  ) {}

  /**
   * Waits until the API admits this worker.
   * @throws {DomainError} the refusal of the API; the signal's reason when it aborts first.
   */
  static async open(config: WorkerConfig, log: Logger, signal: AbortSignal): Promise<ApiLink> {
    const key = await loadIdentityKey(config.folder);
    const wanted = { workerId: config.workerId, isFixed: config.isWorkerIdFixed };
    const credentials = new CredentialKeeper(key, apiCredentials(config), wanted, log);
    const { worker_id: workerId, pool, nats_url: natsUrl } = await credentials.obtain(signal);
    log.info({ admittedAs: workerId, pool, nkey: key.publicKey }, 'admitted as a worker');
    return new ApiLink(config.nats, key, credentials, { workerId, pool, natsUrl }, log);
  }

  /** Aborted with the reason when the API does not know this worker any more. */
  get dismissed(): AbortSignal {
    return this.dismissal.signal;
  }

  /** Renews the credentials in time until the signal aborts. */
  keepCredentials(signal: AbortSignal): void {
    this.renewing = this.credentials.keep(this.sessions, signal).catch((error: unknown) => this.dismissal.abort(error));
  }

  /** A server or the API refused this worker: asks for new credentials, and learns whether it is dismissed. */
  readonly renewNow = (): void => this.credentials.renewNow();

  /** @throws {MessagingUnavailableError} the signal aborts before a server answers. */
  async connect(name: string, signal: AbortSignal): Promise<NatsSession> {
    const { url, prefix } = this.config;
    const user = workerUser(this.key, this.credentials.jwt);
    const onWaiting = (reason: string, { isRefusal }: { readonly isRefusal: boolean }): void => {
      this.log.warn({ reason }, 'waiting for NATS');
      if (isRefusal) this.renewNow();
    };
    const session = await NatsSession.connect(
      { servers: url ?? this.admitted.natsUrl, prefix, name, user },
      { signal, onWaiting },
    );
    this.sessions.push(session);
    session.onStatus(({ kind }) => kind === 'refused' && this.renewNow());
    return session;
  }

  /** To be called after the signal of `keepCredentials` has aborted. */
  async close(): Promise<void> {
    await Promise.all([this.renewing, ...this.sessions.map((session) => session.close())]);
  }
}

import { ApiProblemError, ApiUnreachableError } from '@ktrdr/api-client';
import type { WorkerCredentialsView } from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import { lifetimeOf, type Nkey, writeProof } from '@ktrdr/messaging-nats';
import type { Logger } from 'pino';
import { Backoff, retry, sleep } from '../api-link/backoff.js';
import { EnrolmentMissingError, OtherWorkerError } from './errors.js';

/** Where credentials come from. */
export interface CredentialsApi {
  /** Enrols the key as a worker; null: there is no enrolment token. */
  readonly enrol: ((nkey: string, workerId: string, signal: AbortSignal) => Promise<WorkerCredentialsView>) | null;
  readonly renew: (nkey: string, proof: string, signal: AbortSignal) => Promise<WorkerCredentialsView>;
}

export interface WantedWorker {
  /** Its name when the API does not know it yet. */
  readonly workerId: string;
  /** Whether it may have no other name. */
  readonly isFixed: boolean;
}

/** A connection that uses the newest token when it connects again. */
interface Connected {
  reconnect(): Promise<void>;
}

const RETRY = { firstMs: 500, lastMs: 15_000 };
/** Of the lifetime; the rest is for an API that is away. */
const RENEW_AFTER = 2 / 3;
/** Part of the time, so that workers that started together do not all ask together. */
const SPREAD = 0.1;
/** The longest time that a timer takes is about 24 days. */
const LONGEST_WAIT_MS = 2_000_000_000;

/** Gets the credentials for NATS, and renews them before they expire. */
export class CredentialKeeper {
  private held: (WorkerCredentialsView & { readonly renewAt: number }) | undefined;
  private hurry = new AbortController();
  private apiIsAheadMs = 0;

  constructor(
    private readonly key: Nkey,
    private readonly api: CredentialsApi,
    private readonly wish: WantedWorker,
    private readonly log: Logger,
    private readonly clock = { now: () => Date.now(), monotonicMs: () => performance.now(), random: Math.random },
  ) {}

  /** The newest token. */
  readonly jwt = (): string => this.held?.jwt ?? '';

  /**
   * The first credentials, with the id and pool of the worker. Waits for an API that is away.
   * @throws {DomainError} the refusal of the API; the signal's reason when it aborts first.
   */
  async obtain(signal: AbortSignal): Promise<WorkerCredentialsView> {
    const obtained = await this.ask(signal, isFinal);
    const { workerId: wanted, isFixed } = this.wish;
    if (isFixed && obtained.worker_id !== wanted) throw new OtherWorkerError({ wanted, known: obtained.worker_id });
    return obtained;
  }

  /**
   * Renews the credentials in time, and has everything connect anew with them, until the signal aborts.
   * @throws {DomainError} the API dismissed this worker.
   */
  async keep(connections: readonly Connected[], signal: AbortSignal): Promise<void> {
    const pace = new Backoff(RETRY);
    while (!signal.aborted) {
      this.hurry = new AbortController();
      const waitMs = Math.max(0, (this.held?.renewAt ?? 0) - this.clock.monotonicMs());
      await sleep(Math.min(waitMs, LONGEST_WAIT_MS), AbortSignal.any([signal, this.hurry.signal]));
      if (signal.aborted) return;
      if (!this.hurry.signal.aborted) {
        if (waitMs > LONGEST_WAIT_MS) continue;
        pace.reset();
      }
      const before = this.held;
      const renewed = await this.ask(signal, endsWorker).catch(unlessAborted(signal));
      if (!renewed) return;
      if (before && renewed.worker_id !== before.worker_id)
        throw new OtherWorkerError({ wanted: before.worker_id, known: renewed.worker_id });
      this.log.info({ expiresAt: renewed.expires_at }, 'credentials for NATS renewed');
      for (const connection of connections) await connection.reconnect();
      // However often it is hurried, it pauses between two requests.
      if (this.hurry.signal.aborted) await pace.wait(signal);
    }
  }

  /** A token was refused: asks for another one now, and learns whether this worker is still admitted. */
  renewNow(): void {
    this.hurry.abort();
  }

  /** Asks until the API answers, or refuses for good. */
  private ask(signal: AbortSignal, isOver: (error: unknown) => boolean): Promise<WorkerCredentialsView> {
    const onError = (error: unknown): void => {
      signal.throwIfAborted();
      if (isOver(error)) throw error;
      this.log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'waiting for credentials');
    };
    return retry(async () => this.hold(await this.askOnce(signal)), { range: RETRY, signal, onError });
  }

  private async askOnce(signal: AbortSignal): Promise<WorkerCredentialsView> {
    const { publicKey } = this.key;
    try {
      return await this.renew(signal);
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'worker-unknown') throw error;
      if (!this.api.enrol) throw new EnrolmentMissingError(publicKey);
      return await this.api.enrol(publicKey, this.held?.worker_id ?? this.wish.workerId, signal);
    }
  }

  /** Follows the clock of the API where the two differ, and logs it: no lease and no result depends on either. */
  private async renew(signal: AbortSignal): Promise<WorkerCredentialsView> {
    const ask = () => {
      const at = Math.floor((this.clock.now() + this.apiIsAheadMs) / 1000);
      return this.api.renew(this.key.publicKey, writeProof(this.key, at), signal);
    };
    try {
      return await ask();
    } catch (error) {
      const aheadMs = clockDifferenceMs(error);
      if (aheadMs === null) throw error;
      this.apiIsAheadMs += aheadMs;
      this.log.warn({ reason: (error as Error).message }, 'clocks differ, this worker goes by that of the API');
      return ask();
    }
  }

  private hold(credentials: WorkerCredentialsView): WorkerCredentialsView {
    const lifetimeMs = (lifetimeOf(credentials.jwt) ?? 0) * 1000;
    const spread = 1 + SPREAD * (2 * this.clock.random() - 1);
    this.held = { ...credentials, renewAt: this.clock.monotonicMs() + lifetimeMs * RENEW_AFTER * spread };
    return credentials;
  }
}

/** How far the clock of the API is ahead of this worker's, in ms; null: the clock was not the reason of the refusal. */
function clockDifferenceMs(error: unknown): number | null {
  if (!(error instanceof DomainError) || error.code !== 'clock-off') return null;
  const [api, worker] = [error.details['api_time'], error.details['worker_time']].map((time) =>
    Date.parse(String(time)),
  );
  const differenceMs = (api ?? NaN) - (worker ?? NaN);
  return Number.isFinite(differenceMs) ? differenceMs : null;
}

/** The API is there and has decided, or the configuration is wrong: asking again changes nothing. */
function isFinal(error: unknown): boolean {
  if (error instanceof ApiProblemError) return error.status < 500;
  return !(error instanceof ApiUnreachableError);
}

/** While it works, only a dismissal ends it; a wrong clock, for example, can be set right. */
function endsWorker(error: unknown): boolean {
  return error instanceof DomainError && ENDING.includes(error.code);
}

const ENDING: readonly string[] = ['worker-revoked', 'worker-unknown', 'worker-id-taken', 'enrolment-refused'];

function unlessAborted(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

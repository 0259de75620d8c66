import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { freePort } from '../../../tools/stack/free-port.js';
import { enrolTokenFor } from '../../../tools/stack/services.js';
import type { Services } from './given-services.js';
import { Revived } from './revived.js';
import { type Running, startApi, startWorker } from './processes.js';
import { SHORT_LEASE } from './short-lease.js';
import type { Strikes } from './strikes.js';

const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', name);

/** What no answer comes to for so long is given up; well over the 5 s after which a worker asks the API again. */
const STOP_WITHIN_SECONDS = '7';

const ANSWER_WITHIN_MS = 5_000;
const COUNTING = { steps: 24, steps_per_epoch: 8, step_ms: 2, hold_at: 12 };

/** A worker among those of one process. */
export interface HostedWorker {
  readonly pool: string;
  readonly slots: number;
  /** `counting` stands for a training where trainers are not what is struck. */
  readonly trainer: 'counting' | 'real';
}

/** The services of one stack of struck processes, each of which comes back when it is killed. */
export class StruckStack {
  readonly token = `test-${randomBytes(16).toString('hex')}`;
  private readonly apis: Revived[] = [];
  private readonly workers: Revived[] = [];
  private readonly urls: string[] = [];

  constructor(
    private readonly services: Services,
    private readonly strikes: Strikes,
  ) {}

  /** Settles when it is ready for the first time. */
  async startApi(): Promise<void> {
    const port = await freePort();
    const options = {
      port,
      token: this.token,
      env: this.apiEnv,
      program: [fixture('struck-api.mjs'), this.strikes.folder],
    };
    this.urls.push(`http://127.0.0.1:${port}`);
    await this.keep(this.apis, () => startApi(this.services, options));
  }

  /** Settles when it is registered for the first time. */
  async startWorkers(id: string, hosted: readonly HostedWorker[]): Promise<void> {
    const apiUrl = this.urls[0] ?? '';
    const environments = await Promise.all(
      hosted.map(async ({ pool, slots, trainer }) => ({
        KTRDR_ENROL_TOKEN: await enrolTokenFor(pool, { apiUrl, token: this.token }),
        KTRDR_WORKER_SLOTS: String(slots),
        KTRDR_TRAINER_COMMAND: JSON.stringify([process.execPath, ...this.trainerArguments(trainer)]),
      })),
    );
    const program = [fixture('struck-workers.mjs'), this.strikes.folder, JSON.stringify(environments)];
    await this.keep(this.workers, () =>
      startWorker(this.services, { api: { url: apiUrl, token: this.token }, id, program }),
    );
  }

  get deaths(): { readonly apis: number; readonly workers: number } {
    const sum = (kept: readonly Revived[]): number => kept.reduce((count, { deaths }) => count + deaths, 0);
    return { apis: sum(this.apis), workers: sum(this.workers) };
  }

  /** Asks the replicas one after the other until one answers. */
  async post(path: string, body: unknown): Promise<Record<string, unknown>> {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' };
    const request = { method: 'POST', headers, body: JSON.stringify(body) };
    let unanswered: unknown;
    for (const url of this.urls) {
      try {
        const reply = await fetch(`${url}${path}`, { ...request, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
        return (await reply.json()) as Record<string, unknown>;
      } catch (error) {
        unanswered = error;
      }
    }
    throw new Error(`No replica answers ${path}`, { cause: unanswered });
  }

  async end(): Promise<void> {
    await Promise.all([...this.workers, ...this.apis].map((kept) => kept.end()));
  }

  private get apiEnv() {
    return {
      ...SHORT_LEASE,
      KTRDR_PAUSE_TIMEOUT_SECONDS: STOP_WITHIN_SECONDS,
      KTRDR_CANCEL_TIMEOUT_SECONDS: STOP_WITHIN_SECONDS,
    };
  }

  private trainerArguments(trainer: HostedWorker['trainer']): readonly string[] {
    if (trainer === 'real') return [fixture('struck-trainer.mjs'), this.strikes.folder];
    return [fixture('counting-trainer.mjs'), JSON.stringify({ ...COUNTING, orders: this.strikes.folder })];
  }

  private async keep(list: Revived[], start: () => Promise<Running>): Promise<void> {
    const started = Promise.withResolvers<void>();
    const revived = new Revived(async () => {
      const running = await start();
      started.resolve();
      return running;
    });
    list.push(revived);
    await Promise.race([started.promise, revived.kept]);
  }
}

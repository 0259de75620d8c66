import { ApiClient, ApiProblemError, ApiUnreachableError } from '@ktrdr/api-client';
import type { OperationView } from '@ktrdr/contracts';
import type { ClientAction, Planned } from './chaos-plan.js';
import type { Violation } from './invariants.js';
import { pauseUntil, tryUntil } from './pause.js';

/** How a request was answered: `refused` is 409, `unanswered` that nobody could say it in time. */
type Answer = 'accepted' | 'refused' | 'unanswered';

/** An end that another attempt may well change; what says something about the training itself is not in here. */
const INFRASTRUCTURE_CODES: readonly string[] = [
  'recovery-exhausted',
  'trainer-crashed',
  'trainer-out-of-memory', // what a trainer that was killed looks like
  'database-unavailable',
  'messaging-unavailable',
  'object-store-unavailable',
  'shutting-down',
];
const STOPPED: readonly string[] = ['paused', 'cancelled', 'failed'];
const STOPS_WITHIN_MS = 15_000;

/** People who use the API, through all of its replicas, while it is being broken. */
export class Clients {
  readonly answers = { accepted: 0, refused: 0, unanswered: 0 };
  readonly violations: Violation[] = [];
  readonly acceptedResumes = new Map<string, number>();
  resumedByCare = 0;
  private readonly apis: readonly ApiClient[];
  private turn = 0;

  constructor(urls: readonly string[], token: string) {
    const backoff = { firstMs: 50, maxMs: 1_000 };
    this.apis = urls.map((url) => new ApiClient({ url, token, timeoutMs: 8_000, backoff }));
  }

  /** The replicas take turns. */
  next(): ApiClient {
    this.turn += 1;
    const api = this.apis[this.turn % this.apis.length];
    if (!api) throw new Error('There is no API to ask');
    return api;
  }

  /** What an operation is like, if anybody can say it. */
  async tryShow(id: string): Promise<OperationView | undefined> {
    for (let tries = 0; tries < this.apis.length; tries += 1) {
      const view = await this.next()
        .get(id)
        .catch((error: unknown) => this.judge(error, id));
      if (typeof view === 'object') return view;
    }
    return undefined;
  }

  /** Resolves when everything that was planned has been done, or the signal is aborted. */
  async carryOut(plan: readonly Planned<ClientAction>[], ids: readonly string[], signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const acting: Promise<void>[] = [];
    for (const { atMs, what } of plan) {
      await pauseUntil(startedAt + atMs, signal);
      if (signal.aborted) break;
      const id = ids[what.operation];
      if (id !== undefined) acting.push(this.act(what, id, signal));
    }
    await Promise.all(acting);
  }

  /** Resumes what stands still, except what failed for a reason of its own. */
  async resumeStopped(ids: readonly string[], which: 'failed' | 'all'): Promise<void> {
    for (const id of ids) {
      const view = await this.tryShow(id);
      if (!view || !STOPPED.includes(view.status) || (which === 'failed' && view.status !== 'failed')) continue;
      if (view.status === 'failed' && !isInfrastructure(view)) continue;
      if ((await this.resume(this.next(), id)) === 'accepted') this.resumedByCare += 1;
    }
  }

  private async act(action: ClientAction, id: string, signal: AbortSignal): Promise<void> {
    const api = this.apis[action.api];
    if (!api || (await this.stop(api, action, id)) === 'refused') return;
    await tryUntil(async () => STOPPED.includes((await this.tryShow(id))?.status ?? '') || undefined, {
      deadlineMs: STOPS_WITHIN_MS,
      signal,
    });
    await pauseUntil(performance.now() + action.resumeAfterMs, signal);
    await Promise.all(Array.from({ length: action.resumers }, () => this.resume(this.next(), id)));
  }

  private async stop(api: ApiClient, { kind, boundary }: ClientAction, id: string): Promise<Answer> {
    if (kind === 'pause') return this.ask(id, () => api.pause(id, { boundary, reason: 'chaos' }));
    // Without a checkpoint there would be nothing left to resume from, and the API would say so.
    const hasCheckpoint = (await this.tryShow(id))?.latest_checkpoint != null;
    return this.ask(id, () => api.cancel(id, { save: kind === 'cancel' || !hasCheckpoint, reason: 'chaos' }));
  }

  private async resume(api: ApiClient, id: string): Promise<Answer> {
    const answer = await this.ask(id, () =>
      api.resume(id).catch((error: unknown) => {
        // It was stopped by a fault before its first checkpoint: the user accepts that it begins again.
        const hasNone = error instanceof ApiProblemError && error.code === 'checkpoint-not-found';
        if (hasNone) return api.resume(id, { allow_fallback: true });
        throw error;
      }),
    );
    if (answer === 'accepted') this.acceptedResumes.set(id, (this.acceptedResumes.get(id) ?? 0) + 1);
    return answer;
  }

  private async ask(id: string, request: () => Promise<unknown>): Promise<Answer> {
    const answer = await request().then(
      () => 'accepted' as const,
      (error: unknown) => this.judge(error, id),
    );
    this.answers[answer] += 1;
    return answer;
  }

  private judge(error: unknown, id: string): 'refused' | 'unanswered' {
    if (error instanceof ApiUnreachableError) return 'unanswered';
    if (error instanceof ApiProblemError && error.status === 409) return 'refused';
    if (error instanceof ApiProblemError && error.status === 503) return 'unanswered';
    const told = error instanceof ApiProblemError ? `${error.status} ${error.code}: ${error.message}` : String(error);
    this.violations.push({ invariant: 'wrong-answer', operationId: id, detail: told });
    return 'refused';
  }
}

/** Whether it failed because of its surroundings. */
function isInfrastructure({ error }: OperationView): boolean {
  return error !== null && INFRASTRUCTURE_CODES.includes(error.code);
}

import type { OperationView } from '@ktrdr/contracts';
import { setTimeout as delay } from 'node:timers/promises';
import type { Target } from './ktrdr-command.js';

const ASK_EVERY_MS = 250;
const SAY_EVERY_MS = 1_500;
const STALLED_MS = 90_000;

/** Watches one operation, saying how it goes, and remembers which workers had it. */
export class Follower {
  private readonly seenWorkers: string[] = [];
  private saidAt = 0;

  constructor(
    private readonly target: Target,
    private readonly operationId: string,
    private readonly say: (line: string) => void,
  ) {}

  get workers(): readonly string[] {
    return this.seenWorkers;
  }

  /** Resolves to the operation once the condition holds. Throws when nothing has moved for a long time. */
  async until(what: string, condition: (operation: OperationView) => boolean): Promise<OperationView> {
    let moved = { at: performance.now(), mark: '' };
    for (;;) {
      const operation = await this.ask();
      const { worker_id: worker } = operation;
      if (worker !== null && this.seenWorkers.at(-1) !== worker) this.seenWorkers.push(worker);
      if (condition(operation)) {
        this.report(operation);
        return operation;
      }
      if (operation.status === 'failed') {
        throw new Error(`${this.operationId} failed: ${operation.error?.code} ${operation.error?.message}`);
      }
      const mark = `${operation.status} ${operation.progress?.step}`;
      if (mark !== moved.mark) moved = { at: performance.now(), mark };
      if (performance.now() - moved.at > STALLED_MS) {
        throw new Error(`${this.operationId} is not ${what}: nothing has moved for ${STALLED_MS / 1000} s (${mark}).`);
      }
      if (performance.now() - this.saidAt > SAY_EVERY_MS) this.report(operation);
      await delay(ASK_EVERY_MS);
    }
  }

  private report({ status, worker_id, progress, metrics }: OperationView): void {
    this.saidAt = performance.now();
    const where = worker_id === null ? '' : ` on ${worker_id}`;
    if (progress === null) return this.say(`${status}${where}`);
    const { epoch, epochs, step, steps, fraction } = progress;
    const loss = typeof metrics?.['loss'] === 'number' ? `, loss ${metrics['loss'].toFixed(4)}` : '';
    const percent = `${Math.floor(fraction * 100)} %`.padStart(5);
    this.say(`${percent}  epoch ${epoch} of ${epochs}, step ${step} of ${steps}${loss}  (${status}${where})`);
  }

  private async ask(): Promise<OperationView> {
    const headers = { authorization: `Bearer ${this.target.apiToken}` };
    const url = `${this.target.apiUrl}/operations/${this.operationId}`;
    const reply = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) });
    if (!reply.ok) throw new Error(`GET ${url} answers ${reply.status}: ${await reply.text()}`);
    return (await reply.json()) as OperationView;
  }
}

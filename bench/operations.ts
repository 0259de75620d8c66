import { setTimeout as delay } from 'node:timers/promises';
import type { EventPage, HistoryPage, OperationView } from '@ktrdr/contracts';
import type { HttpClient } from './http-client.js';
import { until } from './until.js';

const FINAL: readonly string[] = ['completed', 'failed', 'cancelled'];
const ENDED: readonly string[] = [...FINAL, 'paused'];

/** An endless training on the S&P 500 series, whose hidden layers decide how big its checkpoints are. */
export function trainingSpec({ hidden, seed }: Readonly<{ hidden: readonly number[]; seed: number }>) {
  return {
    version: 1,
    data: { source: 'dataset:sp500' },
    features: [
      { kind: 'return', period: 1 },
      { kind: 'rsi', period: 14 },
      { kind: 'sma-ratio', period: 20 },
    ],
    label: { kind: 'direction', horizon: 5 },
    model: { layers: hidden.map((units) => ({ kind: 'dense', units, activation: 'relu' })) },
    optimizer: { kind: 'adam', learning_rate: 0.001 },
    epochs: 100_000,
    batch_size: 32,
    seed,
    backend: 'wasm',
    checkpoint: { every_epochs: 100_000 },
  };
}

/** What a person does with operations, over HTTP. */
export class Operations {
  constructor(private readonly http: HttpClient) {}

  async submit(pool: string, spec: unknown, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const body = await this.http.expect(201, this.http.post('/operations', { pool, spec, ...more }));
    return body['operation_id'] as string;
  }

  async show(id: string): Promise<OperationView> {
    return (await this.http.expect(200, this.http.get(`/operations/${id}`))) as OperationView;
  }

  async history(id: string): Promise<HistoryPage['items']> {
    const page = await this.http.expect(200, this.http.get(`/operations/${id}/history`));
    return (page as HistoryPage).items;
  }

  /** The first event of this type that the attempt's worker has told, once it has. */
  firstEvent(id: string, type: string, { attempt, after }: Readonly<{ attempt: number; after: number }>) {
    return until(`${id} tells its first ${type} of attempt ${attempt}`, async () => {
      const { items } = await this.eventPage(id, after);
      return items.find((event) => event.type === type && event.attempt === attempt);
    });
  }

  /** Its events after this one, as they come, until it has ended; asked for anew after a while when there was none. */
  async *events(id: string, after: number, everyMs: number): AsyncGenerator<EventPage['items'][number], void> {
    for (let next = after; ;) {
      const page = await this.eventPage(id, next);
      yield* page.items;
      if (page.items.some(({ type, data }) => type === 'status' && FINAL.includes(String(data['to'])))) return;
      next = page.next_after;
      if (page.items.length === 0) await delay(everyMs);
    }
  }

  /** The sequence number of its newest event. */
  async lastEvent(id: string): Promise<number> {
    for (let after = 0; ;) {
      const page = await this.eventPage(id, after);
      if (page.items.length === 0) return after;
      after = page.next_after;
    }
  }

  /** Waits until it trains. */
  async trained(id: string): Promise<void> {
    await until(`${id} trains`, async () => {
      const { status, progress, error } = await this.show(id);
      if (ENDED.includes(status)) throw new Error(`${id} is ${status} before it was stopped: ${JSON.stringify(error)}`);
      return status === 'running' && (progress?.step ?? 0) > 0 ? true : undefined;
    });
  }

  /** Cancels it and waits for the checkpoint that this leaves. */
  async cancelled(id: string): Promise<OperationView> {
    await this.http.expect(202, this.http.post(`/operations/${id}/cancel`));
    return until(`${id} is cancelled`, async () => {
      const view = await this.show(id);
      return view.status === 'cancelled' ? view : undefined;
    });
  }

  private async eventPage(id: string, after: number): Promise<EventPage> {
    const page = await this.http.expect(200, this.http.get(`/operations/${id}/events?after=${after}&limit=1000`));
    return page as EventPage;
  }
}

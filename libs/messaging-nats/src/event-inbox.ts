import type { WorkerEvent } from '@ktrdr/contracts';
import type { JsMsg } from '@nats-io/jetstream';

export interface Received {
  readonly message: JsMsg;
  readonly event: WorkerEvent;
}

/** Turns single arrivals into batches: full ones at once, others when their first event has waited long enough. */
export class EventInbox {
  private waiting: Received[] = [];
  private taken: readonly Received[] = [];
  private wake: () => void = () => undefined;
  private isClosed = false;
  private reason: Error | undefined;

  add(received: Received): void {
    this.waiting.push(received);
    this.wake();
  }

  /** After this, `take` answers what is left and then an empty batch, or throws the reason. */
  close(reason?: Error): void {
    this.isClosed = true;
    this.reason = reason;
    this.wake();
  }

  /** Everything not settled yet. */
  held(): readonly Received[] {
    return [...this.taken, ...this.waiting];
  }

  settled(batch: readonly Received[]): void {
    if (this.taken === batch) this.taken = [];
  }

  /** Empty only when closed. */
  async take({ maxBatch, maxWaitMs }: { readonly maxBatch: number; readonly maxWaitMs: number }): Promise<Received[]> {
    await this.until(() => this.waiting.length > 0);
    await this.until(() => this.waiting.length >= maxBatch, maxWaitMs);
    if (this.waiting.length === 0 && this.reason) throw this.reason;
    const batch = this.waiting.splice(0, maxBatch);
    this.taken = batch;
    return batch;
  }

  private until(condition: () => boolean, withinMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.wake = () => undefined;
        resolve();
      };
      const timer = withinMs === undefined ? undefined : setTimeout(end, withinMs);
      this.wake = () => {
        if (condition() || this.isClosed) end();
      };
      this.wake();
    });
  }
}

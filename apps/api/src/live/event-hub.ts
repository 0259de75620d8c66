import type { OperationEventRecord } from '@ktrdr/operations';
import type { EventCursor, EventLog } from '@ktrdr/operations-prisma';
import type { Logger } from 'pino';
import { BackgroundLoop } from '../platform/background-loop.js';

export interface LoggedEvent {
  readonly cursor: EventCursor;
  readonly event: OperationEventRecord;
}

type Listener = (events: readonly LoggedEvent[]) => void;

const POLL_MS = 100;
const BATCH = 500;

/** Reads the event log once for all of this replica's streams, as long as there are any. */
export class EventHub {
  private readonly listeners = new Set<Listener>();
  private readonly loop: BackgroundLoop;
  private cursor: EventCursor | undefined;

  constructor(
    private readonly events: EventLog,
    log: Logger,
  ) {
    this.loop = new BackgroundLoop('event-hub', POLL_MS, () => this.turn(), log);
  }

  start(): void {
    this.loop.start();
  }

  stop(): Promise<void> {
    return this.loop.stop();
  }

  /** From now on every event is passed on, some perhaps twice at the seam; the streams know by the cursor. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private async turn(): Promise<void> {
    if (this.listeners.size === 0) {
      this.cursor = undefined;
      return;
    }
    this.cursor ??= await this.events.end();
    for (;;) {
      const batch = await this.events.after(this.cursor, BATCH);
      const last = batch.at(-1);
      if (!last) return;
      this.cursor = last.cursor;
      for (const listener of this.listeners) listener(batch);
      if (batch.length < BATCH) return;
    }
  }
}

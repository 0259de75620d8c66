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
  /** Where reading goes on; set as long as somebody listens. */
  private cursor: EventCursor | undefined;
  private beginning: Promise<void> | undefined;

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

  /**
   * Resolves once every event that is written from then on is passed on. What was written before, the stream reads
   * itself; at the seam some come twice, which it knows by the cursor.
   */
  async listen(listener: Listener): Promise<() => void> {
    this.listeners.add(listener);
    const unlisten = () => {
      this.listeners.delete(listener);
      if (this.listeners.size > 0) return;
      this.cursor = undefined;
      this.beginning = undefined;
    };
    try {
      this.beginning ??= this.begin();
      await this.beginning;
      return unlisten;
    } catch (error) {
      unlisten();
      this.beginning = undefined;
      throw error;
    }
  }

  private async begin(): Promise<void> {
    const end = await this.events.end();
    this.cursor ??= end;
  }

  private async turn(): Promise<void> {
    while (this.cursor) {
      const from = this.cursor;
      const batch = await this.events.after(from, BATCH);
      const last = batch.at(-1);
      // Everybody may have left, and others come, while it was read.
      if (!last || this.cursor !== from) return;
      this.cursor = last.cursor;
      for (const listener of this.listeners) listener(batch);
      if (batch.length < BATCH) return;
    }
  }
}

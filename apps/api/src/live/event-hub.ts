import type { CursoredEvent, EventCursor, EventLog } from '@ktrdr/operations-prisma';
import type { Logger } from 'pino';
import { BackgroundLoop } from '../platform/background-loop.js';

type Listener = (events: readonly CursoredEvent[]) => void;

/** A hint comes earlier, as a rule. */
const POLL_MS = 1_000;
/** While an older transaction holds back what is there. */
const HELD_BACK_MS = 25;
const BATCH = 500;

/** Reads the event log once for all of this replica's streams, as long as there are any, when something was written. */
export class EventHub {
  private readonly listeners = new Set<Listener>();
  private readonly loop: BackgroundLoop;
  /** Where reading goes on; set as long as somebody listens. */
  private cursor: EventCursor | undefined;
  private beginning: Promise<void> | undefined;
  private isHeldBack = false;

  constructor(
    private readonly events: EventLog,
    log: Logger,
  ) {
    this.loop = new BackgroundLoop(
      'event-hub',
      () => (this.isHeldBack ? HELD_BACK_MS : POLL_MS),
      () => this.turn(),
      log,
    );
  }

  start(): void {
    this.loop.start();
  }

  /** Something was written. */
  readOn(): void {
    if (this.listeners.size > 0) this.loop.hurry();
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
      this.isHeldBack = false;
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
    this.loop.hurry(); // what was written since
  }

  private async turn(): Promise<void> {
    while (this.cursor) {
      const from = this.cursor;
      const { events: batch, isHeldBack } = await this.events.read(from, BATCH);
      this.isHeldBack = isHeldBack;
      const last = batch.at(-1);
      // Everybody may have left, and others come, while it was read.
      if (!last || this.cursor !== from) return;
      this.cursor = last.cursor;
      for (const listener of this.listeners) listener(batch);
      if (batch.length < BATCH) return;
    }
  }
}

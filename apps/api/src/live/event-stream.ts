import type { OperationEventRecord } from '@ktrdr/operations';
import type { CursoredEvent, EventCursor, EventLog, OperationRecords } from '@ktrdr/operations-prisma';
import type { Writable } from 'node:stream';
import type { EventHub } from './event-hub.js';
import { toEventView } from '../operations/record.presenter.js';

/** A client that has this much unread is cut off; it comes back with its `Last-Event-ID` and misses nothing. */
const MAX_UNREAD_BYTES = 1024 * 1024;
const KEEP_ALIVE_MS = 15_000;
const PAGE = 500;

export interface StreamParts {
  readonly hub: EventHub;
  readonly log: EventLog;
  readonly records: OperationRecords;
}

/** Server-sent events on one response. */
export class EventStream {
  private readonly closed = Promise.withResolvers<void>();
  private isOpen = true;

  constructor(private readonly out: Writable) {
    const end = () => {
      this.isOpen = false;
      this.closed.resolve();
    };
    out.once('close', end);
    out.once('error', end);
    // Who left while its operation was looked up has been closed already, and closes no second time.
    if (out.destroyed) end();
  }

  /** One operation: its sequence numbers have no gap, so one that is missing is read from the table. */
  async followOperation({ hub, records }: StreamParts, id: string, after: number, snapshot: unknown): Promise<void> {
    let seq = after;
    let isReplaying = true;
    let isBehind = false;
    const send = ({ event }: { readonly event: OperationEventRecord }) => {
      if (event.operationId !== id || event.seq <= seq) return true;
      if (event.seq !== seq + 1) return false;
      seq = event.seq;
      this.write(String(seq), event.type, toEventView(event));
      return true;
    };
    const replay = async () => {
      for (;;) {
        const page = await records.events(id, seq, PAGE);
        for (const event of page) send({ event });
        if (page.length < PAGE || !this.isOpen) return;
      }
    };
    const catchUp = async () => {
      isReplaying = true;
      do {
        isBehind = false;
        await replay();
      } while (isBehind && this.isOpen);
      isReplaying = false;
    };
    const unlisten = await hub.listen((batch) => {
      if (isReplaying) {
        isBehind ||= batch.some(({ event }) => event.operationId === id);
        return;
      }
      if (!batch.every(send)) void catchUp().catch(() => this.end());
    });
    this.write(String(after), 'snapshot', snapshot);
    await this.until(unlisten, catchUp);
  }

  /** Everything: the order of the log, from the cursor on. */
  async followAll({ hub, log }: StreamParts, from: EventCursor): Promise<void> {
    let cursor = from;
    let isReplaying = true;
    const missed: CursoredEvent[] = [];
    const send = (logged: CursoredEvent) => {
      if (!isAfter(logged.cursor, cursor)) return;
      cursor = logged.cursor;
      this.write(encodePosition(cursor), logged.event.type, toEventView(logged.event));
    };
    const unlisten = await hub.listen((batch) => (isReplaying ? missed.push(...batch) : batch.forEach(send)));
    await this.until(unlisten, async () => {
      for (;;) {
        const page = await log.after(cursor, PAGE);
        page.forEach(send);
        if (page.length < PAGE || !this.isOpen) break;
      }
      missed.forEach(send);
      isReplaying = false;
    });
  }

  end(): void {
    this.out.end();
  }

  private async until(unlisten: () => void, begin: () => Promise<void>): Promise<void> {
    const keepAlive = setInterval(() => this.raw(': still here\n\n'), KEEP_ALIVE_MS).unref();
    try {
      await begin();
      await this.closed.promise;
    } finally {
      clearInterval(keepAlive);
      unlisten();
      this.end();
    }
  }

  private write(id: string, type: string, data: unknown): void {
    this.raw(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  private raw(text: string): void {
    if (!this.isOpen) return;
    this.out.write(text);
    if (this.out.writableLength > MAX_UNREAD_BYTES) {
      this.isOpen = false;
      this.out.destroy();
    }
  }
}

function encodePosition({ txid, position }: EventCursor): string {
  return `${txid}.${position}`;
}

export function parsePosition(id: string): EventCursor | null {
  const [, txid, position] = /^(\d{1,20})\.(\d{1,19})$/.exec(id) ?? [];
  return txid && position ? { txid, position } : null;
}

function isAfter(a: EventCursor, b: EventCursor): boolean {
  const [txA, txB] = [BigInt(a.txid), BigInt(b.txid)];
  return txA > txB || (txA === txB && BigInt(a.position) > BigInt(b.position));
}

import { appendFile, readFile, rm, truncate } from 'node:fs/promises';
import { WorkerEvent } from '@ktrdr/contracts';
import type { Logger } from 'pino';
import { Backoff, sleep } from './backoff.js';
import type { ConfirmLease, EventSink, Lease } from './ports.js';

export interface EventSender {
  publish(event: WorkerEvent): Promise<void>;
}

export interface OutboxLimits {
  /** Events. */
  readonly inMemory: number;
  /** For everything. */
  readonly fileBytes: number;
  /** Beyond that, for metrics and warnings only. */
  readonly reserveBytes: number;
}

interface Amount {
  readonly events: number;
  readonly bytes: number;
}
const NONE: Amount = { events: 0, bytes: 0 };

const LIMITS: OutboxLimits = { inMemory: 2_000, fileBytes: 64 * 1024 * 1024, reserveBytes: 16 * 1024 * 1024 };
const RETRY = { firstMs: 200, lastMs: 1_000 };

/**
 * Events on their way out, in order. While nobody takes them they wait in memory, then in a file. When that is full,
 * progress and logs are dropped; metrics and warnings have a reserve of their own. While the disk does not take the file,
 * what should be in it waits in memory, within the same limits.
 */
export class EventOutbox implements EventSink {
  private queue: WorkerEvent[] = [];
  /** On the way to the file. */
  private spilling: { readonly event: WorkerEvent; readonly line: string }[] = [];
  private inFile: Amount = NONE;
  /** In `spilling`, or just being written. */
  private notInFile: Amount = NONE;
  private dropped = 0;
  private isDiskRefusing = false;
  private sending: WorkerEvent | undefined;
  private wake: () => void = () => undefined;
  private readonly purged = new Set<string>();

  constructor(
    private readonly sender: EventSender,
    private readonly confirmLease: ConfirmLease,
    private readonly file: string,
    private readonly log: Logger,
    private readonly limits: OutboxLimits = LIMITS,
  ) {}

  enqueue(event: WorkerEvent): void {
    if (this.purged.has(keyOf(event))) return;
    if (this.spilledEvents === 0 && this.queue.length < this.limits.inMemory) this.queue.push(event);
    else this.spill(event);
    this.wake();
  }

  purge({ operationId, attempt }: Lease): void {
    this.purged.add(`${operationId}:${attempt}`);
    this.queue = this.queue.filter((event) => !this.purged.has(keyOf(event)));
  }

  /** Events that are not confirmed yet. */
  get waiting(): number {
    return this.queue.length + this.spilledEvents;
  }

  async flush(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    const never = new AbortController().signal;
    while (!this.isEmpty && performance.now() < deadline) await sleep(10, never);
  }

  /** Sends until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await rm(this.file, { force: true });
    const backoff = new Backoff(RETRY);
    while (!signal.aborted) {
      await this.writeSpill();
      if (this.queue.length === 0) await this.readSpill();
      const event = this.queue[0];
      if (!event) {
        await this.somethingToDo(signal);
        continue;
      }
      await this.confirmLease();
      if (this.queue[0] !== event) continue; // its lease was lost
      this.sending = event;
      try {
        await this.sender.publish(event);
        if (this.queue[0] === event) this.queue.shift();
        backoff.reset();
      } catch (err) {
        this.log.debug({ err, waiting: this.queue.length + this.spilledEvents }, 'event not sent yet');
        await backoff.wait(signal);
      } finally {
        this.sending = undefined;
      }
    }
  }

  private get isEmpty(): boolean {
    return this.queue.length === 0 && this.spilledEvents === 0 && !this.sending;
  }

  private get spilledEvents(): number {
    return this.inFile.events + this.notInFile.events;
  }

  private spill(event: WorkerEvent): void {
    const line = `${JSON.stringify(event)}\n`;
    const bytes = Buffer.byteLength(line);
    const isDroppable = event.body.type === 'progress' || event.body.type === 'log';
    const { fileBytes, reserveBytes } = this.limits;
    const limit = isDroppable ? fileBytes : fileBytes + reserveBytes;
    if (this.inFile.bytes + this.notInFile.bytes + bytes > limit) {
      this.dropped += 1;
      if (this.dropped === 1) this.log.warn('event spool full, events are dropped');
      return;
    }
    this.spilling.push({ event, line });
    this.notInFile = plus(this.notInFile, { events: 1, bytes });
  }

  private async writeSpill(): Promise<void> {
    if (this.spilling.length === 0) return;
    const writing = this.spilling;
    this.spilling = [];
    const text = writing.map(({ line }) => line).join('');
    const amount = { events: writing.length, bytes: Buffer.byteLength(text) };
    if (this.inFile.events === 0 && this.queue.length === 0) {
      this.requeue(writing.map(({ event }) => event)); // nothing is before them any more, so they need no file
    } else {
      try {
        // After a refusal there may be half a line at its end.
        await appendFile(this.file, this.isDiskRefusing ? `\n${text}` : text);
        this.isDiskRefusing = false;
      } catch (err) {
        if (!this.isDiskRefusing) this.log.warn({ err }, 'event spool file cannot be written, events wait in memory');
        this.isDiskRefusing = true;
        await truncate(this.file, this.inFile.bytes).catch(() => undefined); // half a line, if there is a file at all
        this.spilling = [...writing, ...this.spilling];
        return;
      }
      this.inFile = plus(this.inFile, amount);
    }
    this.notInFile = plus(this.notInFile, { events: -amount.events, bytes: -amount.bytes });
  }

  private async readSpill(): Promise<void> {
    if (this.inFile.events === 0) return;
    const lines = await this.readLines();
    await rm(this.file, { force: true }).catch((err: unknown) =>
      this.log.warn({ err }, 'event spool file not removed'),
    );
    const lost = this.inFile.events - lines.length;
    if (lost > 0) this.log.error({ events: lost }, 'events lost, their spool file cannot be read');
    this.inFile = NONE;
    this.requeue(lines);
    if (this.dropped > 0) this.log.warn({ dropped: this.dropped }, 'events were dropped while nobody took them');
    this.dropped = 0;
  }

  private async readLines(): Promise<WorkerEvent[]> {
    const text = await readFile(this.file, 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => parseLine(line) ?? []);
  }

  private requeue(events: readonly WorkerEvent[]): void {
    this.queue.push(...events.filter((event) => !this.purged.has(keyOf(event))));
  }

  private somethingToDo(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end);
        this.wake = () => undefined;
        resolve();
      };
      this.wake = end;
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted || !this.isEmpty) end();
    });
  }
}

function plus(one: Amount, other: Amount): Amount {
  return { events: one.events + other.events, bytes: one.bytes + other.bytes };
}

function parseLine(line: string): WorkerEvent | null {
  try {
    return line ? (WorkerEvent.safeParse(JSON.parse(line)).data ?? null) : null;
  } catch {
    return null; // a line that a crash or a full disk has cut; what it told is counted as lost
  }
}

function keyOf({ operation_id, attempt }: WorkerEvent): string {
  return `${operation_id}:${attempt}`;
}

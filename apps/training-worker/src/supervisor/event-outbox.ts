import { appendFile, readFile, rm, stat } from 'node:fs/promises';
import { WorkerEvent } from '@ktrdr/contracts';
import type { Logger } from 'pino';
import { Backoff, sleep } from './backoff.js';
import type { ConfirmLease, EventSink, Lease } from './ports.js';

export interface EventSender {
  publish(event: WorkerEvent): Promise<void>;
}

export interface OutboxLimits {
  readonly inMemory: number;
  readonly fileBytes: number;
}

const LIMITS: OutboxLimits = { inMemory: 2_000, fileBytes: 64 * 1024 * 1024 };
const RETRY = { firstMs: 200, lastMs: 2_000 };

/**
 * Events on their way out, in order. While nobody takes them they wait in memory, then in a file; when that is full,
 * progress and logs are dropped, metrics and warnings are not.
 */
export class EventOutbox implements EventSink {
  private queue: WorkerEvent[] = [];
  private readonly spilling: string[] = [];
  private spilledEvents = 0;
  private spilledBytes = 0;
  private dropped = 0;
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

  private spill(event: WorkerEvent): void {
    const line = `${JSON.stringify(event)}\n`;
    const isDroppable = event.body.type === 'progress' || event.body.type === 'log';
    if (isDroppable && this.spilledBytes + line.length > this.limits.fileBytes) {
      this.dropped += 1;
      if (this.dropped === 1) this.log.warn('event spool full, progress and logs are dropped');
      return;
    }
    this.spilling.push(line);
    this.spilledEvents += 1;
    this.spilledBytes += line.length;
  }

  private async writeSpill(): Promise<void> {
    if (this.spilling.length === 0) return;
    const lines = this.spilling.splice(0);
    try {
      await appendFile(this.file, lines.join(''));
    } catch (err) {
      this.spilledEvents -= lines.length;
      this.log.error({ err, events: lines.length }, 'events lost, their spool file cannot be written');
    }
  }

  private async readSpill(): Promise<void> {
    if (this.spilledEvents === 0 || !(await stat(this.file).catch(() => null))) return;
    const lines = (await readFile(this.file, 'utf8')).split('\n').filter(Boolean);
    await rm(this.file, { force: true });
    this.spilledEvents -= lines.length;
    this.spilledBytes = 0;
    const events = lines.flatMap((line) => WorkerEvent.safeParse(JSON.parse(line)).data ?? []);
    this.queue.push(...events.filter((event) => !this.purged.has(keyOf(event))));
    if (this.dropped > 0) this.log.warn({ dropped: this.dropped }, 'events were dropped while nobody took them');
    this.dropped = 0;
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

function keyOf({ operation_id, attempt }: WorkerEvent): string {
  return `${operation_id}:${attempt}`;
}

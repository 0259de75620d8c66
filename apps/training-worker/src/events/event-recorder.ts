import type { WorkerEvent } from '@ktrdr/contracts';
import { storableText } from '@ktrdr/operations/model';
import type { Lease } from '../api-link/ports.js';

/** Takes events at any time and sends them when it can. */
export interface EventSink {
  enqueue(event: WorkerEvent): void;
  /** Drops the unsent events of this attempt. */
  purge(lease: Lease): void;
  /** Settles when every event of this attempt so far is recorded, or the time is over. */
  flush(lease: Lease, withinMs: number): Promise<void>;
}

type Body = WorkerEvent['body'];
type Progress = Extract<Body, { type: 'progress' }>;
type Stream = 'stdout' | 'stderr';

const PROGRESS_EVERY_MS = 200;
const LOG_EVERY_MS = 500;
const MAX_LINES_PER_EVENT = 100;
const MAX_LINE_LENGTH = 2_000;
const MAX_LINES_WAITING = 500;
/** Of one event's lines as JSON: a control character takes six bytes, and NATS takes a megabyte. */
const MAX_BYTES_PER_EVENT = 128 * 1024;

/** Numbers the events of one attempt, and thins out progress and logs that come too fast. */
export class EventRecorder {
  private n = 0;
  private progress: Progress | undefined;
  private lastProgressAt = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  private lines: { stream: Stream; line: string }[] = [];
  private omittedLines = 0;
  private isClosed = false;

  constructor(
    private readonly sink: EventSink,
    private readonly lease: Lease,
    private readonly workerId: string,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** The newest of several in quick succession stands for all. */
  recordProgress(progress: Progress): void {
    this.progress = progress;
    if (performance.now() - this.lastProgressAt >= PROGRESS_EVERY_MS) this.flush();
    else this.flushLater(PROGRESS_EVERY_MS);
  }

  recordLog(stream: Stream, line: string): void {
    if (this.lines.length >= MAX_LINES_WAITING) this.omittedLines += 1;
    else this.lines.push({ stream, line: storableText(line.slice(0, MAX_LINE_LENGTH)) });
    this.flushLater(LOG_EVERY_MS);
  }

  record(body: Exclude<Body, { type: 'progress' | 'log' }>): void {
    this.flush();
    this.enqueue(body);
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.flushLog();
    if (!this.progress) return;
    this.enqueue(this.progress);
    this.progress = undefined;
    this.lastProgressAt = performance.now();
  }

  /** No event is sent after this. */
  close(): void {
    this.flush();
    this.isClosed = true;
  }

  /** Like `close`, and drops what waits. */
  abandon(): void {
    clearTimeout(this.timer);
    this.isClosed = true;
  }

  private flushLater(ms: number): void {
    this.timer ??= setTimeout(() => this.flush(), ms);
  }

  private flushLog(): void {
    if (this.omittedLines > 0) {
      this.lines.push({ stream: 'stderr', line: `(${this.omittedLines} lines left out: they came too fast)` });
      this.omittedLines = 0;
    }
    while (this.lines.length > 0) {
      const stream = this.lines[0]?.stream ?? 'stdout';
      const lines = this.lines.splice(0, this.fitting(stream)).map(({ line }) => line);
      this.enqueue({ type: 'log', stream, lines });
    }
  }

  /** How many of the lines that wait go into one event: one at least. */
  private fitting(stream: Stream): number {
    let bytes = 0;
    const end = this.lines.findIndex((waiting, index) => {
      bytes += Buffer.byteLength(JSON.stringify(waiting.line));
      return index > 0 && (waiting.stream !== stream || index >= MAX_LINES_PER_EVENT || bytes > MAX_BYTES_PER_EVENT);
    });
    return end === -1 ? this.lines.length : end;
  }

  private enqueue(body: Body): void {
    if (this.isClosed) return;
    this.n += 1;
    this.sink.enqueue({
      n: this.n,
      operation_id: this.lease.operationId,
      attempt: this.lease.attempt,
      worker_id: this.workerId,
      at: this.now().toISOString(),
      body,
    });
  }
}

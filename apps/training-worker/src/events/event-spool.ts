import { appendFile, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { leftOut, Thinning, thinnedRank } from './event-thinning.js';
import { parseQueued, type QueuedEvent } from './queued-event.js';

export interface SpoolLimits {
  /** Collected in memory before it is written. */
  readonly writeBytes: number;
  /** Kept in memory while the disk takes nothing, or not as fast; beyond it events are left out. */
  readonly refusedBytes: number;
  /** Of one file, which is read at once. */
  readonly segmentBytes: number;
  /** Of all files; beyond it they are thinned to three quarters. */
  readonly diskBytes: number;
}

const MIB = 1024 * 1024;
const LIMITS: SpoolLimits = {
  writeBytes: MIB,
  refusedBytes: 16 * MIB,
  segmentBytes: MIB,
  diskBytes: 1024 * MIB,
};
const THINNED_TO = 0.75;
const NAME = /^(\d{1,15})\.jsonl$/;

interface Chunk {
  readonly lines: Buffer;
  used: number;
}

interface Segment {
  readonly number: number;
  bytes: number;
}

/**
 * Events that wait on disk, in files that are read one by one, oldest first. A file is removed when all of it was
 * delivered, so that the next process after a crash delivers it again. No fault of the disk is thrown.
 */
export class EventSpool {
  private segments: Segment[] = [];
  private taken: Segment | undefined;
  /** Lines, as they are written. Outside of the heap, which would keep the room that so many once took. */
  private waiting: Chunk[] = [];
  private isWriteDue = false;
  private isDiskRefusing = false;
  private leftOutOf = new Set<string>();
  private working: Promise<void> = Promise.resolve();

  constructor(
    private readonly folder: string,
    private readonly log: Logger,
    private readonly limits: SpoolLimits = LIMITS,
  ) {}

  get isEmpty(): boolean {
    return this.segments.length === 0 && this.waiting.length === 0;
  }

  /** Finds what an earlier life has left. */
  async open(): Promise<void> {
    try {
      await mkdir(this.folder, { recursive: true });
      for (const name of await readdir(this.folder)) {
        const [, number] = NAME.exec(name) ?? [];
        if (number) this.segments.push({ number: Number(number), bytes: (await stat(join(this.folder, name))).size });
      }
      this.segments.sort((a, b) => a.number - b.number);
      if (this.segments.length > 0) this.log.info({ files: this.segments.length }, 'events of an earlier life found');
    } catch (err) {
      this.log.warn({ err }, 'event spool cannot be read');
    }
  }

  /** False: there is no room for it. */
  add(event: QueuedEvent): boolean {
    const kept = this.withinMemory(event);
    if (!kept) return false;
    const last = this.waiting.at(-1);
    if (last && last.used + kept.bytes <= last.lines.length) {
      last.used += last.lines.write(`${kept.line}\n`, last.used);
      return true;
    }
    const lines = Buffer.allocUnsafeSlow(Math.max(this.limits.writeBytes, kept.bytes));
    this.waiting.push({ lines, used: lines.write(`${kept.line}\n`) });
    if (last && !this.isWriteDue) {
      this.isWriteDue = true;
      void this.inTurn(() => this.write());
    }
    return true;
  }

  /** The oldest events that wait. Those taken before are delivered, and gone. */
  take(): Promise<readonly QueuedEvent[]> {
    return this.inTurn(async () => {
      await this.removeTaken();
      const [oldest] = this.segments;
      if (!oldest) return this.parse(Buffer.concat(this.waiting.splice(0).map(linesOf)).toString());
      const events = await this.read(oldest);
      this.segments.shift();
      this.taken = oldest;
      return events;
    });
  }

  /** What was taken is delivered. */
  settled(): Promise<void> {
    return this.inTurn(() => this.removeTaken());
  }

  /** Writes down what this life could not deliver: these, which were taken or are older than the rest, and the rest. */
  close(undelivered: readonly QueuedEvent[]): Promise<void> {
    return this.inTurn(async () => {
      await this.write();
      const number = this.taken?.number ?? (this.segments[0]?.number ?? Date.now()) - 1;
      try {
        if (undelivered.length > 0) await this.replace({ number, bytes: 0 }, undelivered);
        else await this.removeTaken();
      } catch (err) {
        this.log.error({ err, events: undelivered.length }, 'events lost, their spool cannot be written');
      }
    });
  }

  /** One after the other, and none fails. */
  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.working.then(work);
    this.working = done.then(
      () => undefined,
      (err: unknown) => this.log.warn({ err }, 'event spool in trouble'),
    );
    return done;
  }

  private withinMemory(event: QueuedEvent): QueuedEvent | null {
    const rank = thinnedRank(event);
    // What goes last has the most room.
    const room = this.limits.refusedBytes * (rank === -1 ? 2 : 1 + rank / 2);
    const waitingBytes = this.waiting.reduce((sum, { lines }) => sum + lines.length, 0);
    if (waitingBytes + event.bytes <= room) return event;
    if (this.leftOutOf.has(event.key)) return null;
    this.leftOutOf.add(event.key);
    this.log.warn({ attempt: event.key }, 'events are left out: the disk does not take them, or not as fast');
    return leftOut(event);
  }

  private async write(): Promise<void> {
    this.isWriteDue = false;
    for (let first = this.waiting[0]; first; first = this.waiting[0]) {
      this.waiting.shift();
      if (await this.append(linesOf(first))) continue;
      this.waiting.unshift(first);
      return;
    }
    if (this.segments.reduce((sum, { bytes }) => sum + bytes, 0) > this.limits.diskBytes) await this.thin();
  }

  /** False: the disk does not take them. */
  private async append(lines: Buffer): Promise<boolean> {
    const last = this.segments.at(-1);
    const segment =
      last && last.bytes < this.limits.segmentBytes
        ? last
        : { number: Math.max(Date.now(), (last ?? this.taken)?.number ?? 0) + 1, bytes: 0 };
    try {
      await mkdir(this.folder, { recursive: true });
      await appendFile(this.fileOf(segment), lines);
      if (segment !== last) this.segments.push(segment);
      segment.bytes += lines.length;
      if (this.isDiskRefusing) this.log.info('event spool is written again');
      this.isDiskRefusing = false;
      this.leftOutOf.clear();
      return true;
    } catch (err) {
      if (!this.isDiskRefusing) this.log.warn({ err }, 'event spool cannot be written, events wait in memory');
      this.isDiskRefusing = true;
      await truncate(this.fileOf(segment), segment.bytes).catch(() => undefined); // half a line, if there is a file at all
      return false;
    }
  }

  private async thin(): Promise<void> {
    const thinning = new Thinning();
    for (const segment of this.segments) for (const event of await this.read(segment)) thinning.count(event);
    thinning.decide(this.limits.diskBytes * THINNED_TO);
    for (const segment of this.segments) {
      const events = await this.read(segment);
      const kept = events.flatMap((event) => thinning.pass(event) ?? []);
      if (kept.length < events.length) await this.replace(segment, kept);
    }
    this.segments = this.segments.filter(({ bytes }) => bytes > 0);
    this.log.warn({ events: thinning.dropped }, 'event spool full, events are left out');
  }

  private async read(segment: Segment): Promise<readonly QueuedEvent[]> {
    try {
      return this.parse(await readFile(this.fileOf(segment), 'utf8'));
    } catch (err) {
      this.log.error({ err }, 'events lost, their spool cannot be read');
      return [];
    }
  }

  private parse(text: string): readonly QueuedEvent[] {
    const lines = text.split('\n').filter(Boolean);
    const events = lines.flatMap((line) => parseQueued(line) ?? []);
    if (events.length < lines.length)
      this.log.error({ events: lines.length - events.length }, 'events lost, their lines are cut');
    return events;
  }

  private async replace(segment: Segment, events: readonly QueuedEvent[]): Promise<void> {
    const text = toText(events);
    await writeFile(`${this.fileOf(segment)}.new`, text);
    await rename(`${this.fileOf(segment)}.new`, this.fileOf(segment));
    segment.bytes = Buffer.byteLength(text);
    if (events.length === 0) await rm(this.fileOf(segment), { force: true });
  }

  private async removeTaken(): Promise<void> {
    const { taken } = this;
    this.taken = undefined;
    if (!taken) return;
    await rm(this.fileOf(taken), { force: true }).catch((err: unknown) =>
      this.log.warn({ err }, 'delivered events not removed'),
    );
  }

  private fileOf({ number }: Segment): string {
    return join(this.folder, `${number}.jsonl`);
  }
}

function linesOf({ lines, used }: Chunk): Buffer {
  return lines.subarray(0, used);
}

function toText(events: readonly QueuedEvent[]): string {
  return events.map(({ line }) => `${line}\n`).join('');
}

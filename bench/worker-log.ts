import { readFile } from 'node:fs/promises';
import { until } from './until.js';

/** One line of a worker's log. */
export type LogEntry = Readonly<Record<string, unknown> & { time: string; msg: string }>;

/** What a worker has written about itself so far. */
export class WorkerLog {
  constructor(private readonly file: string) {}

  async entries(msg: string): Promise<readonly LogEntry[]> {
    const text = await readFile(this.file, 'utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line.startsWith('{') && line.includes(`"msg":${JSON.stringify(msg)}`))
      .map((line) => JSON.parse(line) as LogEntry);
  }

  /** Waits for the n-th entry of this kind, from 1. */
  nth(msg: string, n: number): Promise<LogEntry> {
    return until(`a worker says "${msg}" for the ${n}. time`, async () => (await this.entries(msg))[n - 1]);
  }
}

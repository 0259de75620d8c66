import { saysWhy } from './trainer-exit.js';

const KEPT_LINES = 20;

/** The last lines of stderr, but those that say why outlast the stack trace that comes after them. */
export class StderrTail {
  readonly lines: string[] = [];

  add(line: string): void {
    this.lines.push(line);
    if (this.lines.length <= KEPT_LINES) return;
    const leastWorth = this.lines.findIndex((kept) => !saysWhy(kept));
    this.lines.splice(Math.max(0, leastWorth), 1);
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { LineReader } from './line-reader.js';
import type { ProgramExit } from './ports.js';
import { GUARD_FD, type ProgramCommand, withGuard } from './program-guard.js';
import { namesCause } from './trainer-exit.js';

export interface ProgramListener {
  onLog(stream: 'stdout' | 'stderr', line: string): void;
  /** A line exceeded the limit of its stream, and was dropped. */
  onTooLong(problem: string): void;
  /** Comes last, and once. */
  onExit(exit: ProgramExit): void;
}

/** A descriptor above stderr: a pipe, or nothing. */
export type ExtraDescriptor = 'pipe' | 'ignore';

const MAX_LOG_LENGTH = 16 * 1024;
/** A progress bar goes back to the beginning of its line. */
const LINE_ENDS = /\r?\n|\r/;
/** Output that is still in the pipes is read after the exit, unless a grandchild holds them open. */
const PIPES_AFTER_EXIT_MS = 1_000;

/** A guarded child process in its own process group. Its output comes as lines; its exit is reported once. */
export class ChildProgram {
  readonly child: ChildProcess;
  private readonly stderrTail = new StderrTail();
  private exited = false;

  constructor(
    wanted: ProgramCommand,
    /** Its descriptors 3 and 4. */
    extra: readonly [ExtraDescriptor, ExtraDescriptor],
    private readonly listener: ProgramListener,
  ) {
    const { command, args, env, cwd } = withGuard(wanted);
    // Its own process group: Ctrl+C in a terminal must reach the supervisor only, which then asks for a save.
    this.child = spawn(command, args, {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...extra, 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
    });
    const { child } = this;
    this.readLines(child.stdout, MAX_LOG_LENGTH, (line) => listener.onLog('stdout', line), LINE_ENDS);
    this.readLines(
      child.stderr,
      MAX_LOG_LENGTH,
      (line) => {
        this.stderrTail.add(line);
        listener.onLog('stderr', line);
      },
      LINE_ENDS,
    );
    this.guard.on('error', () => undefined); // a program that did not start has no guard
    let pipesTimer: NodeJS.Timeout | undefined;
    child.once('error', (error) => this.ended(null, null, error.message));
    child.once('exit', (code, signal) => {
      // Pipes into it have no reader any more; an unread pipe must not keep it from closing.
      for (const pipe of child.stdio.slice(3)) if (pipe && 'write' in pipe) pipe.end();
      this.guard.destroy(); // its own child processes end with it
      pipesTimer = setTimeout(() => this.ended(code, signal), PIPES_AFTER_EXIT_MS);
    });
    child.once('close', (code, signal) => {
      clearTimeout(pipesTimer);
      this.ended(code, signal);
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get hasExited(): boolean {
    return this.exited;
  }

  /** Reads a further stream of it as lines. */
  readLines(
    stream: Readable | null,
    maxLength: number,
    onLine: (line: string) => void,
    separator?: string | RegExp,
  ): void {
    if (!stream) return;
    const onTooLong = (): void => this.listener.onTooLong(`It wrote a line of over ${maxLength} characters`);
    const reader = new LineReader(maxLength, onLine, onTooLong, separator);
    stream.on('data', (chunk: Buffer) => reader.push(chunk));
    stream.on('end', () => reader.end());
    stream.on('error', () => undefined); // onExit reports the end
  }

  /** Only to the program itself, which ends its own child processes. */
  signal(signal: NodeJS.Signals): void {
    if (!this.exited) this.child.kill(signal);
  }

  /** SIGKILL to the whole process group. */
  kill(): void {
    if (this.exited) return;
    try {
      if (this.child.pid) process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      this.child.kill('SIGKILL'); // the group is already gone
    }
  }

  /** Held open for as long as the program may live. */
  private get guard(): Writable {
    const { stdio }: { readonly stdio: readonly unknown[] } = this.child;
    return stdio[GUARD_FD] as Writable;
  }

  private ended(code: number | null, signal: NodeJS.Signals | null, problem?: string): void {
    if (this.exited) return;
    this.exited = true;
    if (problem) this.stderrTail.add(problem);
    this.listener.onExit({ code, signal, stderrTail: this.stderrTail.lines });
  }
}

const KEPT_LINES = 20;

/** The last lines of stderr. A line that names the cause outlasts the stack trace after it. */
class StderrTail {
  readonly lines: string[] = [];

  add(line: string): void {
    this.lines.push(line);
    if (this.lines.length <= KEPT_LINES) return;
    const leastWorth = this.lines.findIndex((kept) => !namesCause(kept));
    this.lines.splice(Math.max(0, leastWorth), 1);
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { type TrainerControl, TrainerEvent } from '@ktrdr/contracts';
import { LineReader } from './line-reader.js';
import type { Trainer, TrainerExit, TrainerListener, TrainerReady } from './ports.js';
import { saysWhy } from './trainer-exit.js';
import { GUARD_FD, withGuard } from './trainer-guard.js';

export interface TrainerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const MAX_EVENT_LENGTH = 16 * 1024 * 1024;
const MAX_LOG_LENGTH = 16 * 1024;
const STDERR_TAIL_LINES = 20;
/** Output that is still in the pipes is read after the exit, unless a grandchild holds them open. */
const PIPES_AFTER_EXIT_MS = 1_000;

/** Speaks the trainer protocol with a child process: control on its fd 3, events on its fd 4. */
export class TrainerProcess implements Trainer {
  private readyEvent: TrainerReady | undefined;
  private listener: TrainerListener | undefined;
  private readonly missed: ((listener: TrainerListener) => void)[] = [];
  private readonly stderrTail: string[] = [];
  private violation: string | null = null;
  private exit: TrainerExit | undefined;
  private onceReady: () => void = () => undefined;
  private readonly exitListeners: ((exit: TrainerExit) => void)[] = [];

  private constructor(private readonly child: ChildProcess) {
    this.readLines(child.stdout, MAX_LOG_LENGTH, (line) => this.tell((listener) => listener.onLog('stdout', line)));
    this.readLines(child.stderr, MAX_LOG_LENGTH, (line) => {
      this.keepStderr(line);
      this.tell((listener) => listener.onLog('stderr', line));
    });
    this.readLines(child.stdio[4] as Readable, MAX_EVENT_LENGTH, (line) => this.receive(line));
    this.control.on('error', () => undefined); // a broken pipe is the exit's shadow
    this.guard.on('error', () => undefined); // where it could not be started there is nothing to hold
    let pipesTimer: NodeJS.Timeout | undefined;
    child.once('error', (error) => this.ended(null, null, error.message));
    child.once('exit', (code, signal) => {
      this.guard.destroy(); // what the trainer has started goes with it
      pipesTimer = setTimeout(() => this.ended(code, signal), PIPES_AFTER_EXIT_MS);
    });
    child.once('close', (code, signal) => {
      clearTimeout(pipesTimer);
      this.ended(code, signal);
    });
  }

  /**
   * Settles when the trainer says that it is ready.
   * @throws Error when it ends before that, or has not said so in time.
   */
  static async start(wanted: TrainerCommand, readyWithinMs: number): Promise<TrainerProcess> {
    const { command, args, env } = withGuard(wanted);
    // Its own process group: Ctrl+C in a terminal must reach the supervisor only, which then asks for a save.
    // When the supervisor ends, however it does, fd 3 closes, and the trainer with it; the guard sees to that.
    const stdio = ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'] as const;
    const child = spawn(command, args, { env, detached: true, stdio: [...stdio] });
    const trainer = new TrainerProcess(child);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        trainer.kill();
        reject(new Error(`The trainer was not ready within ${readyWithinMs} ms`));
      }, readyWithinMs);
      trainer.onceReady = () => {
        trainer.onceReady = () => undefined;
        clearTimeout(timer);
        if (trainer.readyEvent) resolve();
        else reject(new Error(`The trainer ended before it was ready: ${JSON.stringify(trainer.exit)}`));
      };
      if (trainer.exit) trainer.onceReady();
    });
    return trainer;
  }

  get ready(): TrainerReady {
    if (!this.readyEvent) throw new Error('The trainer has not said yet that it is ready');
    return this.readyEvent;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get hasExited(): boolean {
    return this.exit !== undefined;
  }

  attach(listener: TrainerListener): void {
    this.listener = listener;
    for (const tell of this.missed.splice(0)) tell(listener);
  }

  onExit(listener: (exit: TrainerExit) => void): void {
    if (this.exit) listener(this.exit);
    else this.exitListeners.push(listener);
  }

  send(control: TrainerControl): void {
    if (this.control.writable) this.control.write(`${JSON.stringify(control)}\n`);
  }

  kill(): void {
    if (this.exit) return;
    try {
      // The whole group: what the trainer started goes with it.
      if (this.child.pid) process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      this.child.kill('SIGKILL'); // the group is already gone
    }
  }

  /** Held open for as long as the trainer may live. */
  private get guard(): Writable {
    const { stdio }: { readonly stdio: readonly unknown[] } = this.child;
    return stdio[GUARD_FD] as Writable;
  }

  private get control(): Writable {
    return this.child.stdio[3] as Writable;
  }

  private readLines(stream: Readable | null, maxLength: number, onLine: (line: string) => void): void {
    if (!stream) return;
    const reader = new LineReader(maxLength, onLine, () =>
      this.violate(`It wrote a line of over ${maxLength} characters`),
    );
    stream.on('data', (chunk: Buffer) => reader.push(chunk));
    stream.on('end', () => reader.end());
    stream.on('error', () => undefined); // the exit tells
  }

  /** The last lines, but those that say why outlast the stack trace that comes after them. */
  private keepStderr(line: string): void {
    const { stderrTail } = this;
    stderrTail.push(line);
    if (stderrTail.length <= STDERR_TAIL_LINES) return;
    stderrTail.splice(
      Math.max(
        0,
        stderrTail.findIndex((kept) => !saysWhy(kept)),
      ),
      1,
    );
  }

  private receive(line: string): void {
    if (!line.trim() || this.violation) return;
    const event = parseEvent(line);
    if (!event) return this.violate(`It wrote an event that nobody agreed on: ${line.slice(0, 200)}`);
    if (event.type !== 'ready') return this.tell((listener) => listener.onEvent(event));
    this.readyEvent = event;
    this.onceReady();
  }

  private violate(problem: string): void {
    this.violation ??= `The trainer does not keep to the protocol. ${problem}`;
    this.kill();
  }

  private ended(code: number | null, signal: NodeJS.Signals | null, problem?: string): void {
    if (this.exit) return;
    if (problem) this.stderrTail.push(problem);
    const exit: TrainerExit = { code, signal, stderrTail: this.stderrTail, violation: this.violation };
    this.exit = exit;
    this.onceReady();
    for (const listener of this.exitListeners) listener(exit);
    this.tell((listener) => listener.onExit(exit));
  }

  private tell(what: (listener: TrainerListener) => void): void {
    if (this.listener) what(this.listener);
    else this.missed.push(what);
  }
}

function parseEvent(line: string): TrainerEvent | null {
  try {
    return TrainerEvent.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

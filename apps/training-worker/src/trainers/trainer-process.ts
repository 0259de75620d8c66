import type { Readable, Writable } from 'node:stream';
import { type TrainerControl, TrainerEvent } from '@ktrdr/contracts';
import { ChildProgram } from './child-program.js';
import type { ProgramCommand } from './program-guard.js';
import { TrainerUnreadyError } from '../errors.js';
import type { Trainer, TrainerExit, TrainerListener, TrainerReady } from './ports.js';

export type TrainerCommand = ProgramCommand;

const MAX_EVENT_LENGTH = 16 * 1024 * 1024;

/** Speaks the trainer protocol with a child process: control on its fd 3, events on its fd 4. */
export class TrainerProcess implements Trainer {
  private readyEvent: TrainerReady | undefined;
  private listener: TrainerListener | undefined;
  private readonly missed: ((listener: TrainerListener) => void)[] = [];
  private violation: string | null = null;
  private exit: TrainerExit | undefined;
  private readonly started = Promise.withResolvers<void>();
  private readonly exitListeners: ((exit: TrainerExit) => void)[] = [];
  private readonly program: ChildProgram;

  private constructor(command: TrainerCommand) {
    this.program = new ChildProgram(command, ['pipe', 'pipe'], {
      onLog: (stream, line) => this.notify((listener) => listener.onLog(stream, line)),
      onTooLong: (problem) => this.violate(problem),
      onExit: (exit) => this.ended({ ...exit, violation: this.violation }),
    });
    const { stdio } = this.program.child;
    this.program.readLines(stdio[4] as Readable, MAX_EVENT_LENGTH, (line) => this.receive(line));
    this.control.on('error', () => undefined); // EPIPE follows an exit; onExit reports it
  }

  /**
   * Settles at the trainer's `ready`.
   * @throws {TrainerUnreadyError} it ended before that, or was too late.
   */
  static async start(command: TrainerCommand, readyWithinMs: number): Promise<TrainerProcess> {
    // When the supervisor ends, fd 3 closes and the guard ends the trainer.
    const trainer = new TrainerProcess(command);
    const timer = setTimeout(() => {
      trainer.started.reject(new TrainerUnreadyError(`The trainer was not ready within ${readyWithinMs} ms`, null));
      trainer.kill();
    }, readyWithinMs);
    return trainer.started.promise.then(() => trainer).finally(() => clearTimeout(timer));
  }

  get ready(): TrainerReady {
    if (!this.readyEvent) throw new Error('The trainer is not ready yet');
    return this.readyEvent;
  }

  get pid(): number | undefined {
    return this.program.pid;
  }

  get hasExited(): boolean {
    return this.exit !== undefined;
  }

  attach(listener: TrainerListener): void {
    this.listener = listener;
    for (const call of this.missed.splice(0)) call(listener);
  }

  onExit(listener: (exit: TrainerExit) => void): void {
    if (this.exit) listener(this.exit);
    else this.exitListeners.push(listener);
  }

  send(control: TrainerControl): void {
    if (this.control.writable) this.control.write(`${JSON.stringify(control)}\n`);
  }

  /** A signal to the program itself. */
  signal(signal: NodeJS.Signals): void {
    this.program.signal(signal);
  }

  kill(): void {
    this.program.kill();
  }

  private get control(): Writable {
    return this.program.child.stdio[3] as Writable;
  }

  private receive(line: string): void {
    if (!line.trim() || this.violation) return;
    const event = parseEvent(line);
    if (!event)
      return this.violate(`It sent an event that the trainer protocol does not define: ${line.slice(0, 200)}`);
    if (event.type !== 'ready') return this.notify((listener) => listener.onEvent(event));
    this.readyEvent = event;
    this.started.resolve();
  }

  private violate(problem: string): void {
    this.violation ??= `The trainer does not keep to the protocol. ${problem}`;
    this.kill();
  }

  private ended(exit: TrainerExit): void {
    this.exit = exit;
    this.started.reject(new TrainerUnreadyError('The trainer ended before it was ready', exit));
    for (const listener of this.exitListeners) listener(exit);
    this.notify((listener) => listener.onExit(exit));
  }

  private notify(call: (listener: TrainerListener) => void): void {
    if (this.listener) call(this.listener);
    else this.missed.push(call);
  }
}

function parseEvent(line: string): TrainerEvent | null {
  try {
    return TrainerEvent.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

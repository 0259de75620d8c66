import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';

/** How a part ended. */
export type PartExit = Readonly<{ code: number | null; signal: NodeJS.Signals | null }>;

/** One running part: PostgreSQL, NATS, the API, a worker. */
export type PartProcess = Readonly<{
  name: string;
  pid: number;
  logFile: string;
  /** How much of its log is of earlier runs, in bytes. */
  logStart: number;
  /** Resolves once, when it has ended, however that came about. */
  exited: Promise<PartExit>;
  hasExited(): boolean;
  /** Whether it has been asked to end, or made to. */
  isStopping(): boolean;
  /** Asks it to end; past the deadline it is killed, with whatever it has started. */
  stop(options?: { readonly signal?: NodeJS.Signals; readonly deadlineMs?: number }): Promise<PartExit>;
  /** Ends it and its children without asking. */
  kill(): Promise<PartExit>;
}>;

export type PartCommand = Readonly<{
  name: string;
  command: string;
  args: readonly string[];
  logFile: string;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  gid?: number;
}>;

const DEFAULT_STOP_MS = 15_000;

function waitForSpawn(child: ChildProcess, { name, command }: PartCommand): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid ?? 0));
    child.once('error', (cause) => reject(new Error(`${name} could not be started (${command}): ${cause.message}`)));
  });
}

function exitOf(child: ChildProcess): Promise<PartExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

/** Signals a whole process group; false when nothing of it is left. */
function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** In words: `exit code 1`, `killed by SIGKILL`. */
function describeExit({ code, signal }: PartExit): string {
  return signal === null ? `exit code ${code}` : `killed by ${signal}`;
}

/** Calls back for each part that ends without having been asked to, with a sentence that says so. */
export function onUnexpectedEnd(parts: readonly PartProcess[], tell: (part: PartProcess, what: string) => void): void {
  for (const part of parts) {
    void part.exited.then((exit) => {
      if (part.isStopping()) return;
      tell(part, `${part.name} (pid ${part.pid}) ended unexpectedly: ${describeExit(exit)}. Log: ${part.logFile}`);
    });
  }
}

/**
 * Starts a part that writes straight to its log file, so nobody has to read along. It gets
 * a process group of its own: a Ctrl+C at the terminal reaches only the stack, which then ends its parts in order.
 */
export async function startPart(part: PartCommand): Promise<PartProcess> {
  const log = await open(part.logFile, 'a', 0o640);
  let child: ChildProcess;
  let exited: Promise<PartExit>;
  let pid: number;
  let logStart: number;
  try {
    ({ size: logStart } = await log.stat());
    child = spawn(part.command, [...part.args], {
      cwd: part.cwd,
      env: part.env ?? process.env,
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
      ...(part.uid === undefined ? {} : { uid: part.uid }),
      ...(part.gid === undefined ? {} : { gid: part.gid }),
    });
    // Listened for at once: a part can have ended before anybody has waited for its start.
    exited = exitOf(child);
    pid = await waitForSpawn(child, part);
  } finally {
    await log.close();
  }
  let stopping = false;
  const hasExited = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    name: part.name,
    pid,
    logFile: part.logFile,
    logStart,
    exited,
    hasExited,
    isStopping: () => stopping,
    async stop({ signal = 'SIGTERM', deadlineMs = DEFAULT_STOP_MS } = {}) {
      if (hasExited()) return exited;
      stopping = true;
      child.kill(signal);
      const force = setTimeout(() => signalGroup(pid, 'SIGKILL'), deadlineMs);
      const exit = await exited;
      clearTimeout(force);
      return exit;
    },
    async kill() {
      stopping = true;
      signalGroup(pid, 'SIGKILL');
      return exited;
    },
  };
}

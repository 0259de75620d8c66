import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A process id together with when that process began: ids are given out again, this pair is not. */
export type ProcessIdentity = Readonly<{ pid: number; startedAt: string }>;

/** When a process began, in whatever form this system tells it; undefined when there is no such process. */
async function beginningOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat !== undefined) {
    // Fields 3 and 22 of proc(5), counted from behind the command name, which may contain anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  }
  const ps = await run('ps', ['-o', 'lstart=', '-p', `${pid}`]).catch(() => undefined);
  return ps?.stdout.trim() || undefined;
}

/** Identity of a running process. */
export async function identify(pid: number): Promise<ProcessIdentity> {
  return { pid, startedAt: (await beginningOf(pid)) ?? '' };
}

/** Whether exactly this process still runs. */
export async function isAlive({ pid, startedAt }: ProcessIdentity): Promise<boolean> {
  return (await beginningOf(pid)) === startedAt;
}

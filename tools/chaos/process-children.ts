import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Parent of each process of this machine. */
async function parents(): Promise<ReadonlyMap<number, number>> {
  const names = await readdir('/proc').catch(() => undefined);
  if (names === undefined) {
    const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=']);
    return new Map(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]),
    );
  }
  const pids = names.filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid): Promise<[number, number][]> => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      // Fields 3 and 4 of proc(5), counted from behind the command name, which may contain anything.
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return stat === '' || state === 'Z' ? [] : [[Number(pid), Number(parent)]];
    }),
  );
  return new Map(found.flat());
}

/** Processes that this one has started and that still are. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  return [...(await parents())].flatMap(([child, parent]) => (parent === pid ? [child] : []));
}

/** Sends a signal; false when there is no such process any more. */
export function trySignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

import { readdir, readFile } from 'node:fs/promises';

/** Processes that this one has started and that still are, oldest first. Linux only, as the fault tests are. */
export async function childrenOf(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const state = await stateOf(Number(name));
    if (state && state.parent === pid && state.letter !== 'Z') found.push(Number(name));
  }
  return found.toSorted((a, b) => a - b);
}

export async function isAlive(pid: number): Promise<boolean> {
  const state = await stateOf(pid);
  return state !== null && state.letter !== 'Z';
}

async function stateOf(pid: number): Promise<{ readonly letter: string; readonly parent: number } | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  // The name in brackets can hold anything, spaces included.
  const [letter = '', parent = '0'] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { letter, parent: Number(parent) };
}

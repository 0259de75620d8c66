import type { PartProcess } from './part-process.js';

type Part = Pick<PartProcess, 'name' | 'hasExited'>;

/** What the end of a part means for a stack that stays up, and what to do about it. */
export function afterLossOf(lost: Part, workers: readonly Part[]): string {
  return `${consequence(lost, workers)} Ctrl+C and the same command again bring ${lost.name} back; everything is kept.`;
}

function consequence(lost: Part, workers: readonly Part[]): string {
  if (!workers.includes(lost)) return 'It is not restarted.';
  const others = workers.filter((worker) => worker !== lost && !worker.hasExited());
  return others.length > 0
    ? `It is not restarted; ${others.map(({ name }) => name).join(' or ')} takes over what it ran.`
    : 'It is not restarted, and no other worker is left: operations wait for one.';
}

import { type Transition, TRANSITIONS, type TransitionCondition } from '@ktrdr/operations';
import { readFile, writeFile } from 'node:fs/promises';
import { inRepository } from '../repository.js';

const CONDITIONS: Readonly<Record<TransitionCondition, string>> = {
  'with-checkpoint': 'has a checkpoint',
  'without-checkpoint': 'has none',
  'budget-spent': 'recovery budget spent',
};

const BLOCK = /(?<=```mermaid\n)stateDiagram-v2\n.*?(?=```)/s;

/** The document that carries the diagram. */
export const DIAGRAM_DOCUMENT = inRepository('docs', 'ARCHITECTURE.md');

/** The table of transitions as a Mermaid state diagram, one arrow for each pair of states. */
export function stateDiagram(transitions: readonly Transition[] = TRANSITIONS): string {
  const arrows = Map.groupBy(transitions, ({ from, to }) => `${from ?? '[*]'} --> ${to}`);
  const lines = [...arrows].map(([arrow, rows]) => `    ${arrow}: ${[...new Set(rows.map(label))].join(' / ')}`);
  const left = new Set(transitions.map(({ from }) => from));
  const final = [...new Set(transitions.map(({ to }) => to))].filter((status) => !left.has(status));
  return ['stateDiagram-v2', ...lines, ...final.map((status) => `    ${status} --> [*]`), ''].join('\n');
}

/** The diagram that a document shows, or undefined when it has none. */
export function shownDiagram(markdown: string): string | undefined {
  return BLOCK.exec(markdown)?.[0];
}

function label({ event, condition }: Transition): string {
  return condition ? `${event} (${CONDITIONS[condition]})` : event;
}

if (process.argv[1] === import.meta.filename) {
  const markdown = await readFile(DIAGRAM_DOCUMENT, 'utf8');
  await writeFile(
    DIAGRAM_DOCUMENT,
    markdown.replace(BLOCK, () => stateDiagram()),
  );
}

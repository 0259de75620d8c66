import type { Block, Row } from '../render/words/parts.js';
import {
  isRecord,
  operationStatusOf,
  type ProblemDocument,
  recordsOf,
  textOf,
  textsOf,
} from '../render/words/problem-document.js';
import { bad } from '../render/words/parts.js';
import { count, position, quantity } from '../render/words/units.js';

/** What happened, the status, what is allowed, and the commands that can be typed next. */
export function renderProblem(problem: ProblemDocument, next: readonly string[]): Block {
  const fields = faultyFields(problem);
  const detail = problem.detail ?? problem.title;
  // Some details list the faulty fields, which stand below, one a line.
  const isOfFields = typeof problem['status'] === 'number' && fields.length > 0;
  const headline = isOfFields ? (INVALID[problem.code] ?? detail) : detail;
  const rows: Row[] = [
    { label: 'status', value: operationStatusOf(problem) },
    { label: 'allowed', value: textsOf(problem['allowed_actions']).join(', ') },
    { label: 'bad files', value: badFiles(problem['bad_files']) },
    { label: 'fallback', value: fallback(problem) },
    { label: 'hint', value: textsOf(problem['possible_reasons']) },
    { label: 'where', value: fields },
    { label: 'request', value: problem.code === 'internal' ? textOf(problem['request_id']) : null },
    { label: 'next', value: next },
  ];
  return { title: bad(headline), rows };
}

function badFiles(value: unknown): string[] {
  return recordsOf(value).map(({ name, problem, detail }) => {
    return [textOf(name) ?? '?', textOf(problem), textOf(detail) && `(${textOf(detail)})`].filter(Boolean).join('  ');
  });
}

function fallback(problem: ProblemDocument): string | null {
  if (problem.code !== 'checkpoint-corrupted' || !('fallback' in problem)) return null;
  const older = problem['fallback'];
  if (!isRecord(older)) return 'none: no older checkpoint of this operation is valid';
  const { checkpoint_id: id, epoch, step } = older;
  const lost = problem['lost_steps'];
  const where = typeof epoch === 'number' && typeof step === 'number' ? ` (${position({ epoch, step })})` : '';
  const cost = typeof lost === 'number' ? `, which costs ${quantity(lost, 'step')}` : '';
  return `${textOf(id) ?? 'an older checkpoint'}${where}${cost}`;
}

/** Each offending path of a specification or a request, with the line of the file where that is known. */
function faultyFields(problem: ProblemDocument): string[] {
  const shown = recordsOf(problem['problems']).map(({ path, line, message }) => {
    const where = typeof line === 'number' ? ` (line ${line})` : '';
    return `${textOf(path) ?? 'the document'}${where}: ${textOf(message) ?? 'is not valid'}`;
  });
  const more = problem['more_problems'];
  return typeof more === 'number' ? [...shown, `… ${count(more)} more`] : shown;
}

/** What the API calls not valid, where the offending fields stand below. */
const INVALID: Readonly<Record<string, string>> = {
  'spec-invalid': 'The spec is not valid',
  'request-invalid': 'The request is not valid',
};

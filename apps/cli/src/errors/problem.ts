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
  const headline = fields.length > 0 ? (detail.split(': ')[0] ?? detail) : detail;
  const rows: Row[] = [
    { label: 'status', value: operationStatusOf(problem) },
    { label: 'allowed', value: textsOf(problem['allowed_actions']).join(', ') },
    { label: 'bad files', value: badFiles(problem['bad_files']) },
    { label: 'fallback', value: fallback(problem) },
    { label: 'hint', value: textsOf(problem['possible_reasons']).map(inCommandWords) },
    { label: 'where', value: fields },
    { label: 'request', value: problem.code === 'internal' ? textOf(problem['request_id']) : null },
    { label: 'next', value: next },
  ];
  return { title: bad(inCommandWords(headline)), rows };
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
    return `${textOf(path) ?? 'the document'}${where}: ${inCommandWords(textOf(message) ?? 'is not valid')}`;
  });
  const more = problem['more_problems'];
  return typeof more === 'number' ? [...shown, `… ${count(more)} more`] : shown;
}

/** The API's names, and the flags and commands that stand for them here. */
const COMMAND_WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bset allow_backend_change\b/g, 'give --allow-backend-change'],
  [/\ballow_backend_change\b/g, '--allow-backend-change'],
  [/\ballow_fallback\b/g, '--allow-fallback'],
  [/\bAllow it more time\b/g, 'Give it more time with --timeout'],
  [/; send "Authorization: Bearer TOKEN"/g, '; set KTRDR_API_TOKEN, which goes first, or run "ktrdr login"'],
];

/** A sentence of the API with flags and commands in place of fields and headers. */
function inCommandWords(sentence: string): string {
  return COMMAND_WORDS.reduce((text, [word, typed]) => text.replace(word, typed), sentence);
}

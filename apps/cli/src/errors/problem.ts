import type { Suggestion } from '@ktrdr/contracts';
import { block, type Row } from '../render/terminal/layout.js';
import type { Paint } from '../render/terminal/paint.js';
import { commandOf, type TypedContinuation } from '../render/words/suggestions.js';
import { count, quantity } from '../render/words/units.js';

/** A problem as the API sends it, or one of our own in the same form. */
export interface ProblemDocument {
  readonly code: string;
  readonly title: string;
  readonly detail?: string | undefined;
  readonly [field: string]: unknown;
}

export interface ProblemContext {
  readonly paint: Paint;
  /** Commands that can be typed now. */
  readonly next: readonly string[];
}

/** What happened, what the state is, what is allowed and what to type next. */
export function renderProblem(problem: ProblemDocument, { paint, next }: ProblemContext): string {
  const rows: Row[] = [
    { label: 'status', value: operationStatusOf(problem) },
    { label: 'allowed', value: texts(problem['allowed_actions']).join(', ') },
    { label: 'bad files', value: badFiles(problem['bad_files']) },
    { label: 'fallback', value: fallback(problem) },
    { label: 'perhaps', value: texts(problem['possible_reasons']) },
    { label: 'where', value: faultyFields(problem) },
    { label: 'request', value: problem.code === 'internal' ? text(problem['request_id']) : null },
    { label: 'next', value: next },
  ];
  return block({ text: headline(problem), tone: 'bad' }, rows, paint);
}

/** The commands that fit a problem, the likeliest first: what its sender suggests, else what its code says. */
export function nextCommands(problem: ProblemDocument, typed?: TypedContinuation): readonly string[] {
  const suggestions = records(problem['suggestions']) as Suggestion[]; // the client has checked them
  const suggested = suggestions.flatMap((suggestion) => commandOf(suggestion, typed) ?? []);
  if (suggested.length > 0) return suggested;
  const operation = text(problem['operation_id']);
  const checkpoint = text(problem['checkpoint_id']);
  switch (problem.code) {
    case 'operation-not-found':
      return ['ktrdr operations'];
    case 'worker-not-found':
      return ['ktrdr workers'];
    case 'checkpoint-not-found':
      return [`ktrdr checkpoints ${operation ?? 'OPERATION'}`];
    case 'illegal-transition':
    case 'pause-refused':
      return operation ? [`ktrdr operations show ${operation}`] : [];
    case 'checkpoint-corrupted':
    case 'checkpoint-incompatible':
      if (!operation) return [];
      return [checkpoint ? `ktrdr checkpoints ${operation}` : `ktrdr checkpoints verify --operation ${operation}`];
    case 'checkpoint-in-use':
      return checkpoint ? [`ktrdr checkpoints show ${checkpoint}`] : [];
    case 'unauthorized':
    case 'forbidden':
      return [commandOf({ action: 'log-in' }) ?? ''];
    case 'api-unreachable':
      if (String(problem['reason']).startsWith('no answer within')) return ['the same command with a longer --timeout'];
      return ['npm run stack                  (starts everything on this machine)', 'ktrdr login --url URL'];
    default:
      return [];
  }
}

/** The HTTP status has the same name; an operation's is a word. */
function operationStatusOf(problem: ProblemDocument): string | null {
  const status = problem['operation_status'] ?? problem['status'];
  return typeof status === 'string' ? status : text(problem['current_status']);
}

function badFiles(value: unknown): string[] {
  return records(value).map(({ name, problem, detail }) => {
    return [text(name) ?? '?', text(problem), text(detail) && `(${text(detail)})`].filter(Boolean).join('  ');
  });
}

function fallback(problem: ProblemDocument): string | null {
  if (problem.code !== 'checkpoint-corrupted' || !('fallback' in problem)) return null;
  const older = problem['fallback'];
  if (!isRecord(older)) return 'none: no older checkpoint of this operation is valid';
  const { checkpoint_id: id, epoch, step } = older;
  const lost = problem['lost_steps'];
  const where =
    typeof epoch === 'number' && typeof step === 'number' ? ` (epoch ${count(epoch)}, step ${count(step)})` : '';
  const cost = typeof lost === 'number' ? `, which costs ${quantity(lost, 'step')}` : '';
  return `${text(id) ?? 'an older checkpoint'}${where}${cost}`;
}

/** What the API calls not valid, where the offending fields stand below, one a line. */
const INVALID: Readonly<Record<string, string>> = {
  'spec-invalid': 'The spec is not valid',
  'request-invalid': 'The request is not valid',
};

function headline(problem: ProblemDocument): string {
  const detail = problem.detail ?? problem.title;
  const isOfFields = typeof problem['status'] === 'number' && faultyFields(problem).length > 0;
  return isOfFields ? (INVALID[problem.code] ?? detail) : detail;
}

/** Each offending path of a specification or a request, with the line of the file where that is known. */
function faultyFields(problem: ProblemDocument): string[] {
  const shown = records(problem['problems']).map(({ path, line, message }) => {
    const where = typeof line === 'number' ? ` (line ${line})` : '';
    return `${text(path) ?? 'the document'}${where}: ${text(message) ?? 'is not valid'}`;
  });
  const more = problem['more_problems'];
  return typeof more === 'number' ? [...shown, `… ${count(more)} more`] : shown;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

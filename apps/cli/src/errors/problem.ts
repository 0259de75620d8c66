import { inCommandWords } from './command-words.js';
import { block, type Row } from '../render/terminal/layout.js';
import type { Paint } from '../render/terminal/paint.js';
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
    { label: 'perhaps', value: texts(problem['possible_reasons']).map(inCommandWords) },
    { label: 'where', value: faultyFields(problem) },
    { label: 'request', value: problem.code === 'internal' ? text(problem['request_id']) : null },
    { label: 'next', value: next },
  ];
  return block({ text: headline(problem), tone: 'bad' }, rows, paint);
}

/** The commands that fit a problem, the likeliest first. */
export function nextCommands(problem: ProblemDocument): readonly string[] {
  const operation = text(problem['operation_id']);
  const checkpoint = text(problem['checkpoint_id']);
  switch (problem.code) {
    case 'operation-not-found':
      return ['ktrdr operations'];
    case 'worker-not-found':
      return ['ktrdr workers'];
    case 'checkpoint-not-found':
      return operation ? whereNone(operation, problem) : ['ktrdr checkpoints OPERATION'];
    case 'illegal-transition':
    case 'pause-refused':
      return operation ? afterRefusal(operation, problem) : [];
    case 'checkpoint-corrupted':
    case 'checkpoint-incompatible':
      if (!operation) return [];
      return isRecord(problem['fallback'])
        ? [`ktrdr operations resume ${operation} --allow-fallback`]
        : [checkpoint ? `ktrdr checkpoints ${operation}` : `ktrdr checkpoints verify --operation ${operation}`];
    case 'checkpoint-in-use':
      return checkpoint ? [`ktrdr checkpoints show ${checkpoint}`] : [];
    case 'unauthorized':
    case 'forbidden':
      return ['ktrdr login'];
    case 'api-unreachable':
      if (String(problem['reason']).startsWith('no answer within')) return []; // it may be there, and at work
      return ['npm run stack                  (starts everything on this machine)', 'ktrdr login --url URL'];
    default:
      return [];
  }
}

/** Of a step that none was saved at, those next to it. */
function whereNone(operation: string, { nearest_steps: steps }: ProblemDocument): string[] {
  const nearest = texts(steps).map((step) => `ktrdr operations resume ${operation} --step ${step}`);
  return nearest.length > 0 ? nearest : [`ktrdr operations explain ${operation}`];
}

function afterRefusal(operation: string, problem: ProblemDocument): string[] {
  // Deleting is allowed often and meant seldom.
  const meant = texts(problem['allowed_actions']).filter((action) => action !== 'delete');
  // What is completed goes on as a fork only.
  if (problem['action'] === 'resume' && operationStatusOf(problem) === 'completed') meant.unshift('fork');
  return [`ktrdr operations show ${operation}`, ...meant.map((action) => `ktrdr operations ${action} ${operation}`)];
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

/** The detail as sent, in our own words where it speaks of HTTP; without the list of fields that some carry, as that stands below, one a line. */
function headline(problem: ProblemDocument): string {
  const detail = problem.detail ?? problem.title;
  return inCommandWords(faultyFields(problem).length > 0 ? (detail.split(': ')[0] ?? detail) : detail);
}

/** Each offending path of a specification or a request, with the line of the file where that is known. */
function faultyFields(problem: ProblemDocument): string[] {
  const shown = records(problem['problems']).map(({ path, line, message }) => {
    const where = typeof line === 'number' ? ` (line ${line})` : '';
    return `${text(path) ?? 'the document'}${where}: ${inCommandWords(text(message) ?? 'is not valid')}`;
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

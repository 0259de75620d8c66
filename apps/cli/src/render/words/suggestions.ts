import type { Suggestion } from '@ktrdr/contracts';
import { type ProblemDocument, recordsOf, textOf } from './problem-document.js';

/** The choices of a resume or fork, to be typed again. */
export interface Choices {
  readonly verb: 'resume' | 'fork';
  /** Such as ` --checkpoint best`. */
  readonly checkpoint: string;
  /** Such as ` --epochs 80`. */
  readonly others: string;
}

const NO_CHOICES: Choices = { verb: 'resume', checkpoint: '', others: '' };
const LOG_IN = 'ktrdr login   (KTRDR_API_TOKEN, where it is set, goes first)';

/** The command that does what is suggested. A correction keeps the choices, but for what it changes. */
export function commandOf(suggestion: Suggestion, choices = NO_CHOICES): string {
  const { action, operation_id: operation = 'OPERATION', checkpoint_id, worker_id } = suggestion;
  const checkpoint = checkpointFlag(suggestion);
  const chosen = `${checkpoint || choices.checkpoint}${choices.others}`;
  switch (action) {
    case 'pause':
    case 'resume':
    case 'cancel':
    case 'retry':
      return `ktrdr operations ${action} ${operation}${checkpoint}${otherFlags(suggestion)}`;
    case 'fork':
      return `ktrdr operations fork ${operation}${chosen}`;
    case 'change-request':
      return `ktrdr operations ${choices.verb} ${operation}${chosen}${otherFlags(suggestion)}`;
    case 'show-operation':
      return `ktrdr operations show ${operation}`;
    case 'explain-operation':
      return `ktrdr operations explain ${operation}`;
    case 'list-checkpoints':
      return `ktrdr checkpoints ${operation}`;
    case 'verify-checkpoint':
      return `ktrdr checkpoints verify ${checkpoint_id ?? 'CHECKPOINT'}`;
    case 'log-in':
      return LOG_IN;
    case 'enrol-worker':
      return `ktrdr workers enrol${worker_id ? ` --worker-id ${worker_id}` : ''}`;
    case 'revoke-worker':
      return `ktrdr workers revoke ${worker_id ?? 'WORKER'}`;
  }
}

function checkpointFlag({ checkpoint }: Suggestion): string {
  if (checkpoint === undefined) return '';
  return checkpoint.startsWith('step:') ? ` --step ${checkpoint.slice('step:'.length)}` : ` --checkpoint ${checkpoint}`;
}

function otherFlags({ overrides = {}, allow_backend_change, allow_fallback }: Suggestion): string {
  const changed = Object.entries(overrides).map(([name, value]) => ` --${name.replaceAll('_', '-')} ${String(value)}`);
  const allowed = [allow_backend_change ? ' --allow-backend-change' : '', allow_fallback ? ' --allow-fallback' : ''];
  return [...changed, ...allowed].join('');
}

/** The commands that fit a problem, the likeliest first: what its sender suggests, else what its code says. */
export function nextCommands(problem: ProblemDocument, choices?: Choices): readonly string[] {
  const suggestions = recordsOf(problem['suggestions']) as Suggestion[]; // the client has checked them
  if (suggestions.length > 0) return suggestions.map((each) => commandOf(each, choices));
  const operation = textOf(problem['operation_id']);
  const checkpoint = textOf(problem['checkpoint_id']);
  switch (problem.code) {
    case 'operation-not-found':
      return ['ktrdr operations'];
    case 'worker-not-found':
      return ['ktrdr workers'];
    case 'checkpoint-not-found':
      return [`ktrdr checkpoints ${operation ?? 'OPERATION'}`];
    case 'checkpoint-corrupted':
    case 'checkpoint-incompatible':
      if (!operation) return [];
      return [checkpoint ? `ktrdr checkpoints ${operation}` : `ktrdr checkpoints verify --operation ${operation}`];
    case 'checkpoint-in-use':
      return checkpoint ? [`ktrdr checkpoints show ${checkpoint}`] : [];
    case 'unauthorized':
    case 'forbidden':
      return [LOG_IN];
    case 'api-unreachable':
      if (String(problem['reason']).startsWith('no answer within')) return ['the same command with a longer --timeout'];
      return ['npm run stack                  (starts everything on this machine)', 'ktrdr login --url URL'];
    default:
      return [];
  }
}

/** Each reason of the API, and its command below it. */
export function suggestionLines(suggestions: readonly Suggestion[]): string[] {
  return suggestions.flatMap((each) => (each.why ? [`${each.why}:`, `  ${commandOf(each)}`] : [commandOf(each)]));
}

import type { OperationView } from '@ktrdr/contracts';
import { isRecord, operationStatusOf, type ProblemDocument, textOf, textsOf } from './problem-document.js';

/** An action that may help, and what it acts on. */
interface Suggestion {
  /** Topic and command, such as `operations explain`. */
  readonly action: string;
  readonly target?: string;
  /** Continues from a checkpoint of this step. */
  readonly step?: string;
  /** Continues from an older checkpoint. */
  readonly allowFallback?: boolean;
}

/** The choices of a resume or fork, to be typed again. */
export interface Choices {
  readonly verb: 'resume' | 'fork';
  /** Such as ` --checkpoint best`. */
  readonly checkpoint: string;
  /** Such as ` --epochs 80`. */
  readonly others: string;
}

const NO_CHOICES: Choices = { verb: 'resume', checkpoint: '', others: '' };

/** A correction keeps the choices; another step takes the checkpoint's place. */
function commandOf({ action, target, step, allowFallback }: Suggestion, { verb, checkpoint, others }: Choices): string {
  if (step !== undefined) return `ktrdr operations ${verb} ${target} --step ${step}${others}`;
  if (allowFallback) return `ktrdr operations ${verb} ${target}${checkpoint}${others} --allow-fallback`;
  const choices = action === 'operations fork' ? `${checkpoint}${others}` : '';
  return `ktrdr ${[action, target].filter(Boolean).join(' ')}${choices}`;
}

/** The commands that fit a problem, the likeliest first. */
export function nextCommands(problem: ProblemDocument, choices: Choices = NO_CHOICES): readonly string[] {
  if (problem.code !== 'api-unreachable') return suggestionsOf(problem).map((each) => commandOf(each, choices));
  if (String(problem['reason']).startsWith('no answer within')) return []; // it may still be at work
  return ['npm run stack                  (starts everything on this machine)', 'ktrdr login --url URL'];
}

function suggestionsOf(problem: ProblemDocument): readonly Suggestion[] {
  const operation = textOf(problem['operation_id']);
  const checkpoint = textOf(problem['checkpoint_id']);
  switch (problem.code) {
    case 'operation-not-found':
      return [{ action: 'operations' }];
    case 'worker-not-found':
      return [{ action: 'workers' }];
    case 'checkpoint-not-found':
      return operation ? nearestSteps(operation, problem) : [{ action: 'checkpoints', target: 'OPERATION' }];
    case 'illegal-transition':
    case 'pause-refused':
      return operation ? allowedActions(operation, problem) : [];
    case 'checkpoint-corrupted':
    case 'checkpoint-incompatible':
      if (!operation) return [];
      if (isRecord(problem['fallback']))
        return [{ action: 'operations resume', target: operation, allowFallback: true }];
      return [{ action: checkpoint ? 'checkpoints' : 'checkpoints verify --operation', target: operation }];
    case 'checkpoint-in-use':
      return checkpoint ? [{ action: 'checkpoints show', target: checkpoint }] : [];
    case 'unauthorized':
    case 'forbidden':
      return [{ action: 'login' }];
    default:
      return [];
  }
}

/** The steps next to one that has no checkpoint. */
function nearestSteps(operation: string, { nearest_steps: steps }: ProblemDocument): readonly Suggestion[] {
  const nearest = textsOf(steps).map((step) => ({ action: 'operations resume', target: operation, step }));
  return nearest.length > 0 ? nearest : [{ action: 'operations explain', target: operation }];
}

/** Deleting is allowed often and meant seldom. A completed operation continues only as a fork. */
function allowedActions(operation: string, problem: ProblemDocument): readonly Suggestion[] {
  const isOver = problem['action'] === 'resume' && operationStatusOf(problem) === 'completed';
  const meant = textsOf(problem['allowed_actions']).filter((action) => action !== 'delete');
  const actions = ['show', ...(isOver ? ['fork'] : []), ...meant];
  return actions.map((action) => ({ action: `operations ${action}`, target: operation }));
}

/** Each reason of the API, and its command below it. */
export function suggestionLines(suggestions: OperationView['suggestions']): string[] {
  return suggestions.flatMap(({ why, command }) => [`${why}:`, `  ${command}`]);
}

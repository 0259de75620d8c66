import type { ErrorCode } from '@ktrdr/errors';
import { type OperationStatus, WAITING_STATUSES } from './status.js';
import { CLIENT_ACTIONS, type ClientAction, STATUSES_FOR } from './transitions.js';

/** Everything that a client can do with an operation, in the order in which it is shown. */
export const ACTIONS = [...CLIENT_ACTIONS, 'fork', 'prioritise'] as const;
type Action = (typeof ACTIONS)[number];

/** Whether an action is possible now; where it is not, the code of its refusal and the reason. */
interface ActionState {
  readonly action: Action;
  readonly allowed: boolean;
  readonly code: ErrorCode | null;
  readonly reason: string | null;
}

interface ActionFacts {
  readonly status: OperationStatus;
  readonly type: string;
  /** Its type can save its state. */
  readonly isPausable: boolean;
  /** It has a checkpoint that a fork can begin at. */
  readonly isForkable: boolean;
}

const DONE: Readonly<Record<Exclude<Action, 'fork'>, string>> = {
  pause: 'paused',
  resume: 'resumed',
  cancel: 'cancelled',
  retry: 'retried',
  delete: 'deleted',
  prioritise: 'moved in the queue',
};

/** Every action with its state. The API refuses with the same codes. */
export function actionsOf(facts: ActionFacts): readonly ActionState[] {
  return ACTIONS.map((action) => {
    const refusal = refusalOf(action, facts);
    return { action, allowed: refusal === null, code: refusal?.code ?? null, reason: refusal?.reason ?? null };
  });
}

function refusalOf(action: Action, facts: ActionFacts): { readonly code: ErrorCode; readonly reason: string } | null {
  const { status, type, isPausable, isForkable } = facts;
  if (action === 'fork')
    return isForkable ? null : { code: 'checkpoint-not-found', reason: 'It has no sound checkpoint' };
  if (action === 'pause' && !isPausable)
    return { code: 'pause-refused', reason: `Operations of type ${type} save no checkpoints` };
  const statuses = statusesFor(action);
  if (statuses.includes(status)) return null;
  const possible = new Intl.ListFormat('en', { type: 'disjunction' }).format(statuses);
  return {
    code: 'illegal-transition',
    reason: `It is ${status}; only what is ${possible} can be ${DONE[action]}`,
  };
}

function statusesFor(action: ClientAction | 'prioritise'): readonly OperationStatus[] {
  return action === 'prioritise' ? WAITING_STATUSES : STATUSES_FOR[action];
}

import { IllegalTransitionError } from './errors.js';
import { OPERATION_STATUSES, type OperationStatus } from './status.js';

/** Who may cause a transition. */
type Actor = 'client' | 'policy' | 'worker' | 'sweeper';

/** What can happen to an operation. */
export const OPERATION_EVENTS = [
  'submit',
  'import',
  'claim',
  'pause',
  'withdraw-pause',
  'paused',
  'pause-failed',
  'resume',
  'cancel',
  'cancelled',
  'complete',
  'fail',
  'crash',
  'release',
  'lease-expired',
] as const;
export type OperationEvent = (typeof OPERATION_EVENTS)[number];

/** Which of several targets a transition takes, where the operation's own record decides it. */
export type TransitionCondition = 'with-checkpoint' | 'without-checkpoint' | 'budget-spent';

export interface Transition {
  readonly event: OperationEvent;
  /** `null`: the operation does not exist yet. */
  readonly from: OperationStatus | null;
  readonly to: OperationStatus;
  readonly by: readonly Actor[];
  readonly condition?: TransitionCondition;
}

/**
 * Every legal move, one row each. The SQL guards, `allowed_actions`, the diagram in the documentation and the
 * model-based tests are made from this table, so they cannot drift apart.
 */
export const TRANSITIONS: readonly Transition[] = [
  { event: 'submit', from: null, to: 'queued', by: ['client'] },
  { event: 'import', from: null, to: 'paused', by: ['client'] },
  { event: 'claim', from: 'queued', to: 'running', by: ['worker'] },
  { event: 'claim', from: 'resuming', to: 'running', by: ['worker'] },
  { event: 'pause', from: 'running', to: 'pausing', by: ['client', 'policy'] },
  { event: 'pause', from: 'queued', to: 'paused', by: ['client', 'policy'] },
  { event: 'pause', from: 'resuming', to: 'paused', by: ['client', 'policy'] },
  { event: 'withdraw-pause', from: 'pausing', to: 'running', by: ['client'] },
  { event: 'paused', from: 'pausing', to: 'paused', by: ['worker'] },
  { event: 'pause-failed', from: 'pausing', to: 'running', by: ['worker', 'sweeper'] },
  { event: 'resume', from: 'paused', to: 'resuming', by: ['client', 'policy'] },
  { event: 'resume', from: 'cancelled', to: 'resuming', by: ['client', 'policy'] },
  { event: 'resume', from: 'failed', to: 'resuming', by: ['client', 'policy'] },
  { event: 'cancel', from: 'queued', to: 'cancelled', by: ['client'] },
  { event: 'cancel', from: 'resuming', to: 'cancelled', by: ['client'] },
  { event: 'cancel', from: 'paused', to: 'cancelled', by: ['client'] },
  { event: 'cancel', from: 'running', to: 'cancelling', by: ['client'] },
  { event: 'cancel', from: 'pausing', to: 'cancelling', by: ['client'] },
  { event: 'cancelled', from: 'cancelling', to: 'cancelled', by: ['worker', 'sweeper'] },
  { event: 'complete', from: 'running', to: 'completed', by: ['worker'] },
  { event: 'complete', from: 'pausing', to: 'completed', by: ['worker'] },
  { event: 'complete', from: 'cancelling', to: 'completed', by: ['worker'] },
  { event: 'fail', from: 'running', to: 'failed', by: ['worker', 'policy'] },
  { event: 'fail', from: 'pausing', to: 'failed', by: ['worker'] },
  { event: 'fail', from: 'cancelling', to: 'cancelled', by: ['worker'] },
  { event: 'crash', from: 'running', to: 'resuming', by: ['worker'], condition: 'with-checkpoint' },
  { event: 'crash', from: 'running', to: 'queued', by: ['worker'], condition: 'without-checkpoint' },
  { event: 'crash', from: 'running', to: 'failed', by: ['worker'], condition: 'budget-spent' },
  { event: 'crash', from: 'pausing', to: 'paused', by: ['worker'] },
  { event: 'crash', from: 'cancelling', to: 'cancelled', by: ['worker'] },
  { event: 'release', from: 'running', to: 'resuming', by: ['worker'], condition: 'with-checkpoint' },
  { event: 'release', from: 'running', to: 'queued', by: ['worker'], condition: 'without-checkpoint' },
  { event: 'release', from: 'pausing', to: 'paused', by: ['worker', 'policy'] },
  { event: 'release', from: 'cancelling', to: 'cancelled', by: ['worker'] },
  { event: 'lease-expired', from: 'running', to: 'resuming', by: ['sweeper'], condition: 'with-checkpoint' },
  { event: 'lease-expired', from: 'running', to: 'queued', by: ['sweeper'], condition: 'without-checkpoint' },
  { event: 'lease-expired', from: 'running', to: 'failed', by: ['sweeper'], condition: 'budget-spent' },
  { event: 'lease-expired', from: 'pausing', to: 'paused', by: ['sweeper'] },
  { event: 'lease-expired', from: 'cancelling', to: 'cancelled', by: ['sweeper'] },
];

/** Actions that a client can ask for, in the order in which they are shown. */
export const CLIENT_ACTIONS = ['pause', 'resume', 'cancel', 'retry', 'delete'] as const;
export type ClientAction = (typeof CLIENT_ACTIONS)[number];

/** Statuses from which the event leads anywhere. */
export function statusesBefore(event: OperationEvent): readonly OperationStatus[] {
  return OPERATION_STATUSES.filter((status) => TRANSITIONS.some((row) => row.event === event && row.from === status));
}

/** The rows of one event, for building a guard. */
export function transitionsOf(event: OperationEvent): readonly (Transition & { readonly from: OperationStatus })[] {
  return TRANSITIONS.filter(
    (row): row is Transition & { readonly from: OperationStatus } => row.event === event && row.from !== null,
  );
}

const DELETABLE: readonly OperationStatus[] = ['paused', 'cancelled', 'completed', 'failed'];

/** From here a new operation with the same spec can be made, beginning at step 0. */
const RETRYABLE: readonly OperationStatus[] = ['cancelled', 'failed', 'completed'];

/** Where each action can be asked for. `resume` while `pausing` withdraws the pause. */
export const STATUSES_FOR: Readonly<Record<ClientAction, readonly OperationStatus[]>> = {
  pause: statusesBefore('pause'),
  resume: [...statusesBefore('resume'), ...statusesBefore('withdraw-pause')],
  cancel: statusesBefore('cancel'),
  retry: RETRYABLE,
  delete: DELETABLE,
};

/** What a client may ask for now. */
export function allowedActions(status: OperationStatus, { pausable = true } = {}): readonly ClientAction[] {
  return CLIENT_ACTIONS.filter((action) => STATUSES_FOR[action].includes(status) && (pausable || action !== 'pause'));
}

/** @throws {IllegalTransitionError} when the operation's status does not allow the action */
export function assertAllowed(
  { id, status }: { readonly id: string; readonly status: OperationStatus },
  action: ClientAction,
): void {
  const allowed = allowedActions(status);
  if (!allowed.includes(action))
    throw new IllegalTransitionError({ operationId: id, status, action, allowedActions: allowed });
}

/** Statuses in which an operation may be deleted. */
export function deletableStatuses(): readonly OperationStatus[] {
  return DELETABLE;
}

import { DomainError } from '@ktrdr/errors';
import type { FieldProblem } from '@ktrdr/specs';
import type { OperationStatus } from './status.js';
import type { Suggestion } from './suggestion.js';

type AllowedAction = Extract<Suggestion['action'], 'pause' | 'resume' | 'cancel' | 'retry'> | 'delete';

export interface LeaseIdentity {
  readonly operationId: string;
  readonly attempt: number;
}

/** No operation has this id. */
export class OperationNotFoundError extends DomainError {
  readonly code = 'operation-not-found';
  constructor(operationId: string) {
    super(`There is no operation ${operationId}`, { operation_id: operationId });
  }
}

/** The operation's status does not allow the action, or another caller was first. Nothing was changed. */
export class IllegalTransitionError extends DomainError {
  readonly code = 'illegal-transition';
  constructor(refusal: {
    readonly operationId?: string;
    readonly status: OperationStatus;
    readonly action: string;
    readonly allowedActions: readonly AllowedAction[];
    readonly reason?: string;
  }) {
    const { operationId, status, action, allowedActions, reason } = refusal;
    const instead = allowedActions.length > 0 ? `; it allows ${allowedActions.join(', ')}` : '';
    super(
      `Cannot ${action} ${operationId ?? 'the operation'}: it is ${status}${instead}${reason ? `. ${reason}` : ''}`,
      {
        ...(operationId ? { operation_id: operationId } : {}),
        status,
        allowed_actions: allowedActions,
        action,
        suggestions: operationId ? insteadOf(action, operationId, status, allowedActions) : [],
      },
    );
  }
}

/** What can be done instead. Deleting is allowed often and meant seldom; what is completed goes on as a fork only. */
function insteadOf(
  action: string,
  operation_id: string,
  status: OperationStatus,
  allowed: readonly AllowedAction[],
): readonly Suggestion[] {
  const meant = allowed.filter((each) => each !== 'delete');
  return [
    { action: 'show-operation', operation_id },
    ...(action === 'resume' && status === 'completed' ? [{ action: 'fork', operation_id } as const] : []),
    ...meant.map((each) => ({ action: each, operation_id })),
  ];
}

/** The caller's fencing token is no longer the newest: another attempt owns the operation. */
export class LeaseLostError extends DomainError {
  readonly code = 'lease-lost';
  constructor({ operationId, attempt }: LeaseIdentity, status?: OperationStatus) {
    super(`Attempt ${attempt} no longer holds operation ${operationId}`, {
      operation_id: operationId,
      attempt,
      ...(status ? { status } : {}),
    });
  }
}

/** This type of operation has no way to save its state, so it cannot be paused. */
export class PauseRefusedError extends DomainError {
  readonly code = 'pause-refused';
  constructor(operationId: string, type: string) {
    super(`Operation ${operationId} cannot be paused: operations of type ${type} save no checkpoints`, {
      operation_id: operationId,
      operation_type: type,
      suggestions: [{ action: 'show-operation', operation_id: operationId }] satisfies Suggestion[],
    });
  }
}

/** There is nothing to resume or fork from, though the operation has trained. */
export class NoCheckpointError extends DomainError {
  readonly code = 'checkpoint-not-found';
  constructor(lack: {
    readonly operationId: string;
    readonly choice: string;
    readonly purpose: 'resume from' | 'fork from';
    readonly possibleReasons: readonly string[];
    /** Of a choice by step: where there are checkpoints, before and behind it. */
    readonly nearestSteps: readonly number[];
    /** Nothing was ever saved: it can begin again at step 0, where a fallback is allowed. */
    readonly canBeginAgain?: boolean;
  }) {
    const { operationId, choice, purpose, possibleReasons, nearestSteps, canBeginAgain = false } = lack;
    const operation = { operation_id: operationId };
    const nearest = nearestSteps.map((step) => ({
      action: 'change-request' as const,
      ...operation,
      checkpoint: `step:${step}`,
    }));
    const instead =
      nearestSteps.length > 0 ? `; the nearest: ${nearestSteps.map((step) => `step:${step}`).join(' and ')}` : '';
    super(`Operation ${operationId} has no checkpoint (${choice}) to ${purpose}${instead}`, {
      operation_id: operationId,
      choice,
      possible_reasons: possibleReasons,
      suggestions: [
        ...nearest,
        ...(canBeginAgain ? [{ action: 'change-request' as const, ...operation, allow_fallback: true }] : []),
        ...(nearest.length === 0 ? [{ action: 'explain-operation' as const, ...operation }] : []),
      ] satisfies Suggestion[],
      ...(nearestSteps.length > 0 ? { nearest_steps: nearestSteps } : {}),
    });
  }
}

/** No checkpoint has this id. */
export class CheckpointNotFoundError extends DomainError {
  readonly code = 'checkpoint-not-found';
  constructor(checkpointId: string) {
    super(`There is no checkpoint ${checkpointId}`, { checkpoint_id: checkpointId });
  }
}

/** An attempt may end well only with what it saved itself or, before its first step, with what it was claimed with. */
export class CheckpointNotOfAttemptError extends DomainError {
  readonly code = 'checkpoint-not-found';
  constructor({ operationId, attempt }: LeaseIdentity, checkpointId: string | null) {
    const what = checkpointId === null ? 'no checkpoint' : `checkpoint ${checkpointId}`;
    super(
      `Attempt ${attempt} of ${operationId} cannot end with ${what}: it takes one that was committed in this attempt or, before its first step, the one it was claimed with`,
      { operation_id: operationId, attempt, checkpoint_id: checkpointId },
    );
  }
}

export interface BadFile {
  readonly name: string;
  readonly problem: 'missing' | 'wrong-size' | 'wrong-hash' | 'unreadable';
  readonly detail: string;
}

/** The chosen checkpoint cannot be trusted. Nothing was changed. */
export class CheckpointCorruptedError extends DomainError {
  readonly code = 'checkpoint-corrupted';
  constructor(corruption: {
    readonly operationId: string;
    readonly checkpointId: string;
    readonly badFiles: readonly BadFile[];
    readonly fallback: { readonly checkpointId: string; readonly step: number; readonly epoch: number } | null;
    readonly lostSteps: number | null;
  }) {
    const { operationId, checkpointId, badFiles, fallback, lostSteps } = corruption;
    const files = badFiles.map(({ name, problem }) => `${name} (${problem})`).join(', ');
    const advice = fallback
      ? `The newest valid older one is ${fallback.checkpointId} at step ${fallback.step}; falling back to it loses ${lostSteps} steps`
      : 'No older checkpoint of this operation is valid';
    super(`Checkpoint ${checkpointId} of ${operationId} is corrupted: ${files}. ${advice}`, {
      operation_id: operationId,
      checkpoint_id: checkpointId,
      bad_files: badFiles,
      fallback: fallback ? { checkpoint_id: fallback.checkpointId, step: fallback.step, epoch: fallback.epoch } : null,
      lost_steps: lostSteps,
      suggestions: [
        fallback
          ? { action: 'change-request', operation_id: operationId, allow_fallback: true }
          : { action: 'list-checkpoints', operation_id: operationId },
      ] satisfies Suggestion[],
    });
  }
}

/** Deleting this checkpoint would take away what an operation needs. */
export class CheckpointInUseError extends DomainError {
  readonly code = 'checkpoint-in-use';
  constructor(checkpointId: string, reason: string) {
    super(`Checkpoint ${checkpointId} is kept: ${reason}`, { checkpoint_id: checkpointId, reason });
  }
}

/** No worker has this id. */
export class WorkerNotFoundError extends DomainError {
  readonly code = 'worker-not-found';
  constructor(workerId: string) {
    super(`There is no worker ${workerId}`, { worker_id: workerId });
  }
}

/** What was sent does not have the agreed form. */
export class RequestInvalidError extends DomainError {
  readonly code = 'request-invalid';
  constructor(
    part: string,
    readonly problems: readonly FieldProblem[],
    suggestions: readonly Suggestion[] = [],
  ) {
    super(`The ${part} is not valid: ${sentence(problems)}`, {
      problems,
      ...(suggestions.length > 0 ? { suggestions } : {}),
    });
  }
}

/** The training spec has fields that cannot be. */
export class SpecInvalidError extends DomainError {
  readonly code = 'spec-invalid';
  constructor(problems: readonly FieldProblem[]) {
    super(`The spec is not valid: ${sentence(problems)}`, { problems });
  }
}

/** The operator has not allowed operations that bring their own program. */
export class TrainerNotAllowedError extends DomainError {
  readonly code = 'trainer-not-allowed';
  constructor() {
    super(
      'This service runs no trainers of your own ("trainer" in the spec). Its operator allows them with ' +
        'KTRDR_PROCESS_TRAINERS=allow on the API and on the workers that may run them',
      { setting: 'KTRDR_PROCESS_TRAINERS' },
    );
  }
}

function sentence(problems: readonly FieldProblem[]): string {
  return problems.map(({ path, message }) => `${path || '(document)'}: ${message}`).join('; ');
}

export {
  type CheckpointFile,
  LARGEST_COUNT,
  MAX_BLOB_BYTES,
  partsOf,
  type StoredPart,
  CHECKPOINT_KINDS,
  type Checkpoint,
  type CheckpointDraft,
  type Figure,
  type Provenance,
} from './model/checkpoint.js';
export {
  isLeased,
  isSettled,
  isWaiting,
  LEASED_STATUSES,
  OPERATION_STATUSES,
  type OperationStatus,
  WAITING_STATUSES,
} from './model/status.js';
export { liveWorkers, whyUnschedulable } from './queue/fitting-workers.js';
export { BulkAction, type BulkRequest } from './queue/bulk-action.js';
export { PrioritiseOperation } from './queue/prioritise-operation.js';
export {
  allowedActions,
  type ClientAction,
  deletableStatuses,
  type OperationEvent,
  statusesBefore,
  type Transition,
  type TransitionCondition,
  TRANSITIONS,
  transitionsOf,
} from './model/transitions.js';
export { WEBHOOK_EVENTS, WEBHOOK_FIELDS } from './model/webhook-events.js';
export {
  type BadFile,
  CheckpointInUseError,
  CheckpointNotFoundError,
  LeaseLostError,
  OperationNotFoundError,
  RequestInvalidError,
  WorkerNotFoundError,
} from './model/errors.js';
export {
  type BestSoFar,
  clocksAt,
  type Lease,
  type Operation,
  type OperationWarning,
  remainingTime,
} from './model/operation.js';
export type { AttemptRecord, HistoryEntry, MetricPointRecord, OperationEventRecord } from './model/records.js';
export type { CheckpointRepository, CheckpointVerifier, VerificationDepth } from './checkpoints/checkpoint-ports.js';
export type {
  OperationWithCheckpoints,
  Dispatcher,
  OperationChanges,
  ImportedOperation,
  OperationDraft,
  OperationFilter,
  OperationList,
  OperationListRequest,
  OperationStore,
  LeaseRenewal,
  StartReport,
  Submission,
  TransitionCommand,
  TransitionOutcome,
  OverdueLimits,
} from './ports.js';
export { NO_CHANGES } from './spec/overrides.js';
export {
  type CheckpointAdopter,
  type ForkDraft,
  type ForkOutcome,
  type ForkStore,
  INHERITED_ATTEMPT,
} from './fork/fork-ports.js';
export {
  bestOf,
  CHECKPOINT_ORDER,
  finalOf,
  inOrder,
  inSavedOrder,
  isSound,
  latestOf,
  neededBy,
  startingPoint,
} from './checkpoints/latest.js';
export { type Outlook, outlookOf } from './resume/outlook.js';
export { ResumeOperation, type ResumePlan } from './resume/resume-operation.js';
export { ForkOperation, type ForkPlan } from './fork/fork-operation.js';
export { pastPauses } from './stop/past-pauses.js';
export { CancelOperation, PauseOperation } from './stop/stop-operation.js';
export { type Suggestion } from './model/suggestion.js';
export { actionsOf } from './model/actions.js';
export { guaranteeOf } from './model/drift.js';
export { achieved, afterReport, type Checkpointing, type CheckpointingReport } from './model/checkpointing.js';
export { type DirectedOperation, directiveFor } from './attempt/directive.js';
export { type NewOperation, newOperationId } from './submit/operation-draft.js';
export { SubmitOperation } from './submit/submit-operation.js';
export { type CheckpointEraser, DeleteCheckpoint, DeleteOperation } from './delete/delete-operation.js';
export { ReportOutcome, ReportRestoreFailure, ReportSaveFailure } from './attempt/report-outcome.js';
export { ExpireLeases } from './attempt/expire-leases.js';
export { ExplainOperation, type WorkerDirectory } from './explain/explain-operation.js';
export { canonicalJson, effectiveSpec, parseSpec, specSha256Of, trainingSpecOf } from './spec/effective-spec.js';
export { CHECKPOINTED_TYPES, isPausable, traitsOf } from './spec/operation-types.js';
export {
  askedBackend,
  assertTrainerAllowed,
  onBackend,
  requirementsOf,
  type SubmissionRules,
} from './spec/requirements.js';
export { parseStorable, stringifyStorable } from './model/storable-text.js';
export { WatchProgress } from './attempt/watch-progress.js';

export {
  type CheckpointFile,
  MAX_BLOB_BYTES,
  partsOf,
  type StoredPart,
  CHECKPOINT_KINDS,
  type Checkpoint,
  type CheckpointDraft,
  type Figure,
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
export { fittingWorkers, lackOfWorkers } from './queue/fitting-workers.js';
export { isPassedOver } from './queue/passed-over.js';
export {
  allowedActions,
  assertAllowed,
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
  IllegalTransitionError,
  LeaseLostError,
  OperationNotFoundError,
  PauseRefusedError,
  WorkerNotFoundError,
} from './model/errors.js';
export {
  type BestSoFar,
  clocksAt,
  type Lease,
  type Operation,
  type OperationWarning,
  type Progress,
  remainingTime,
} from './model/operation.js';
export type {
  AttemptRecord,
  BackendChange,
  CheckpointRepository,
  CheckpointVerifier,
  ClaimRequest,
  Dispatcher,
  HistoryEntry,
  MetricPointRecord,
  OperationChanges,
  OperationDraft,
  OperationEventRecord,
  OperationFilter,
  OperationList,
  OperationListRequest,
  OperationStore,
  Provenance,
  LeaseRenewal,
  StartReport,
  Submission,
  TransitionCommand,
  TransitionOutcome,
  VerificationDepth,
  OverdueLimits,
} from './ports.js';
export {
  type CheckpointAdopter,
  type ForkDraft,
  type ForkOutcome,
  type ForkStore,
  INHERITED_ATTEMPT,
} from './fork/fork-ports.js';
export { bestOf, CHECKPOINT_ORDER, finalOf, inOrder, latestOf, neededBy, startingPoint } from './checkpoints/latest.js';
export { type PreparedOverride, ResumeOperation, type ResumePlan } from './resume/resume-operation.js';
export { type ForkChoice, ForkOperation, type ForkPlan } from './fork/fork-operation.js';
export { CancelOperation, PauseOperation } from './stop/stop-operation.js';
export { actionsOf } from './model/actions.js';
export { type Drift, driftBetween, type Guarantee, guaranteeOf, type Surrounding } from './model/drift.js';
export { achieved, afterReport, type Checkpointing, type CheckpointingReport } from './model/checkpointing.js';
export { type DirectedOperation, directiveFor } from './attempt/directive.js';
export { newOperationId, SubmitOperation } from './submit/submit-operation.js';
export { type CheckpointEraser, DeleteCheckpoint, DeleteOperation } from './delete/delete-operation.js';
export { ReportOutcome, ReportRestoreFailure, ReportSaveFailure } from './attempt/report-outcome.js';
export { ExpireLeases } from './attempt/expire-leases.js';
export { explain } from './explain/explain-operation.js';
export { CHECKPOINTED_TYPES, type OperationType, traitsOf } from './spec/operation-types.js';
export { parseStorable, stringifyStorable } from './model/storable-text.js';
export { WatchProgress } from './attempt/watch-progress.js';

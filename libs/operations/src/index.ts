export { type CheckpointFile, MAX_BLOB_BYTES, partsOf, type StoredPart } from './checkpoint-file.js';
export { CHECKPOINT_KINDS } from './checkpoint-kind.js';
export {
  isLeased,
  isSettled,
  isWaiting,
  LEASED_STATUSES,
  OPERATION_STATUSES,
  type OperationStatus,
  WAITING_STATUSES,
} from './operation-status.js';
export { fittingWorkers, lackOfWorkers } from './fitting-workers.js';
export { isPassedOver } from './passed-over.js';
export {
  allowedActions,
  assertAllowed,
  CLIENT_ACTIONS,
  type ClientAction,
  deletableStatuses,
  type OperationEvent,
  statusesBefore,
  type Transition,
  type TransitionCondition,
  TRANSITIONS,
  transitionsOf,
} from './transitions.js';
export {
  type BadFile,
  CheckpointInUseError,
  CheckpointNotFoundError,
  IllegalTransitionError,
  LeaseLostError,
  OperationNotFoundError,
  PauseRefusedError,
  WorkerNotFoundError,
} from './errors.js';
export {
  type BestSoFar,
  type Checkpoint,
  type CheckpointDraft,
  clocksAt,
  type Figure,
  type Lease,
  type Operation,
  type OperationWarning,
  PAUSE_CAUSES,
  type Progress,
  STALL_POLICIES,
} from './operation.js';
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
  StallEvidence,
  LeaseRenewal,
  StartReport,
  Submission,
  TransitionCommand,
  TransitionOutcome,
  VerificationDepth,
} from './ports.js';
export {
  type CheckpointAdopter,
  type ForkDraft,
  type ForkOutcome,
  type ForkStore,
  INHERITED_ATTEMPT,
} from './fork-ports.js';
export { startingPoint } from './starting-point.js';
export { isCheckpointChoice, stepOf } from './choose-checkpoint.js';
export { type PreparedOverride, ResumeOperation, type ResumePlan } from './resume-operation.js';
export { type ForkChoice, ForkOperation, type ForkPlan } from './fork-operation.js';
export { CancelOperation, PauseOperation } from './stop-operation.js';
export {
  describeDrift,
  type Drift,
  DRIFT_KINDS,
  driftBetween,
  type Guarantee,
  GUARANTEE_LEVELS,
  guaranteeOf,
  type Surrounding,
} from './drift.js';
export {
  achieved,
  afterReport,
  type Checkpointing,
  type CheckpointingReport,
  INTERVAL_REASONS,
} from './checkpointing.js';
export { type DirectedOperation, directiveFor } from './directive.js';
export { newOperationId, SubmitOperation } from './submit-operation.js';
export { type CheckpointEraser, DeleteCheckpoint, DeleteOperation } from './delete-operation.js';
export { ReportOutcome, ReportRestoreFailure, ReportSaveFailure } from './report-outcome.js';
export { ExpireLeases, type OverdueLimits } from './expire-leases.js';
export { explain } from './explain-operation.js';
export { CHECKPOINTED_TYPES, OPERATION_TYPES, type OperationType, traitsOf } from './operation-types.js';
export { parseStorable, storableText, stringifyStorable } from './storable-text.js';
export { remainingTime } from './remaining-time.js';
export { WatchProgress } from './watch-progress.js';

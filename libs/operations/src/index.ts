export { type CheckpointFile, MAX_BLOB_BYTES, partsOf, type StoredPart } from './checkpoint-file.js';
export { CHECKPOINT_KINDS, type CheckpointKind } from './checkpoint-kind.js';
export {
  isLeased,
  isSettled,
  isWaiting,
  LEASED_STATUSES,
  OPERATION_STATUSES,
  type OperationStatus,
  SETTLED_STATUSES,
  WAITING_STATUSES,
} from './operation-status.js';
export { fittingWorkers, lackOfWorkers } from './fitting-workers.js';
export { isPassedOver } from './passed-over.js';
export {
  type Actor,
  ACTORS,
  allowedActions,
  assertAllowed,
  CLIENT_ACTIONS,
  type ClientAction,
  deletableStatuses,
  nextStatus,
  OPERATION_EVENTS,
  type OperationEvent,
  statusesBefore,
  type Transition,
  TRANSITION_CONDITIONS,
  type TransitionCondition,
  TRANSITIONS,
  transitionsOf,
} from './transitions.js';
export {
  type BadFile,
  CheckpointCorruptedError,
  CheckpointInUseError,
  CheckpointNotFoundError,
  CheckpointNotOfAttemptError,
  IllegalTransitionError,
  LeaseLostError,
  type LeaseIdentity,
  NoCheckpointError,
  OperationNotFoundError,
  PauseRefusedError,
  WorkerNotFoundError,
} from './errors.js';
export {
  type BestSoFar,
  type CancelRequest,
  type Checkpoint,
  type CheckpointDraft,
  clocksAt,
  type Figure,
  type ForkOrigin,
  type Lease,
  type Operation,
  type OperationFailure,
  type OperationWarning,
  type Origin,
  PAUSE_CAUSES,
  type PauseCause,
  type PauseRecord,
  type PauseRequest,
  type Position,
  type Progress,
  type RetryOrigin,
  type SpecDifference,
  STALL_POLICIES,
  type Watchdog,
} from './operation.js';
export type {
  AttemptRecord,
  BackendChange,
  CheckpointRepository,
  CheckpointVerifier,
  ClaimRequest,
  Dispatcher,
  HistoryEntry,
  IngestedProgress,
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
export { startingPoint, type StartingPoint } from './starting-point.js';
export { candidatesFor, type CheckpointChoice, isCheckpointChoice, lostSteps, stepOf } from './choose-checkpoint.js';
export { type PreparedOverride, ResumeOperation, type ResumePlan, type ResumeRequest } from './resume-operation.js';
export { type ForkChoice, ForkOperation, type ForkPlan, type ForkRequest } from './fork-operation.js';
export { CancelOperation, type PauseCommand, PauseOperation, type StopRequest } from './stop-operation.js';
export {
  describeDrift,
  type Drift,
  DRIFT_KINDS,
  driftBetween,
  type DriftKind,
  type Guarantee,
  GUARANTEE_LEVELS,
  guaranteeOf,
  type GuaranteeLevel,
  type Surrounding,
} from './drift.js';
export {
  achieved,
  afterReport,
  type Checkpointing,
  type CheckpointingReport,
  INTERVAL_REASONS,
  type IntervalReason,
} from './checkpointing.js';
export { directiveFor, type WorkerDirective } from './directive.js';
export { newOperationId, SubmitOperation } from './submit-operation.js';
export { type CheckpointEraser, DeleteCheckpoint, DeleteOperation } from './delete-operation.js';
export { type PausedReport, ReportOutcome, ReportRestoreFailure, ReportSaveFailure } from './report-outcome.js';
export { ExpireLeases, type OverdueLimits } from './expire-leases.js';
export { explain, type ExplainFacts, type Explanation } from './explain-operation.js';
export {
  CHECKPOINTED_TYPES,
  OPERATION_TYPES,
  type OperationType,
  type OperationTypeTraits,
  traitsOf,
} from './operation-types.js';
export { parseStorable, storableText, stringifyStorable } from './storable-text.js';
export { type RemainingTime, remainingTime } from './remaining-time.js';
export { WatchProgress } from './watch-progress.js';

export {
  BACKENDS,
  type BackendName,
  type CheckpointPolicySpec,
  type FeatureSpec,
  type LabelSpec,
  type LayerSpec,
  type OptimizerSpec,
  type ScheduleSpec,
  type SplitSpec,
  TrainingSpec,
} from './training-spec.js';
export { DataGenerationSpec } from './data-generation-spec.js';
export { compileLogPattern, type LogPattern } from './log-pattern.js';
export {
  type CommandPlaceholder,
  type CompletionSpec,
  fillPlaceholders,
  namesTrainer,
  ProcessTrainingSpec,
} from './process-training-spec.js';
export {
  applyOverrides,
  mergeOverrides,
  ResumeOverrides,
  type SpecChange,
  suggestOverrides,
} from './spec-overrides.js';
export { Metrics, toMetricValue, TrainerControl, TrainerEvent } from './worker/trainer-protocol.js';
export {
  CheckpointRecord,
  ClaimedOperation,
  ControlHint,
  Directive,
  EventIdentity,
  FileEntry,
  MOST_EVENTS,
  ResourceSnapshot,
  RPC_PROTOCOL,
  RpcEnvelope,
  WORKER_RPC,
  WorkerId,
  WorkerEvent,
  type WorkerRpcMethod,
  type WorkerRpcReply,
  type WorkerRpcRequest,
} from './worker/worker-rpc.js';
export { CheckpointExport, EXPORT_FILE, ImportBody } from './http/checkpoint-export.js';
export {
  CheckpointPage,
  CheckpointStats,
  CheckpointView,
  CleanupBody,
  CleanupView,
  DeleteCheckpointQuery,
  VerifyBody,
  VerifyView,
} from './http/checkpoint-view.js';
export {
  ActionView,
  BulkCancelBody,
  BulkPauseBody,
  BulkResumeBody,
  BulkView,
  CancelBody,
  EventStreamQuery,
  ForkBody,
  ForkedView,
  ListQuery,
  OperationEventsQuery,
  PauseBody,
  PriorityBody,
  ResumeBody,
  ResumedView,
  SubmitBody,
} from './http/operation-actions.js';
export { EventPage, EventView, ExplainView, HistoryPage, MetricsPage, ResultView } from './http/operation-record-view.js';
export { CheckpointSummary, OperationId, OperationPage, OperationView } from './http/operation-view.js';
export { CheckpointingView } from './http/checkpointing.js';
export { DriftView } from './http/continuation-view.js';
export { LARGEST_COUNT } from './position.js';
export { PoolName } from './fields.js';
export { inPlainWords } from './plain-words.js';
export { Problem } from './http/problem.js';
export { DrainBody, WorkerPage, WorkerView } from './http/worker-view.js';
export {
  EnrolmentBody,
  EnrolmentCreatedView,
  IdentityBody,
  IdentityPage,
  IdentityQuery,
  IdentityView,
  WorkerCredentialsView,
} from './http/worker-identity.js';
export { DeliveryPage, WebhookBody, WebhookCreatedView, WebhookPage, WebhookView } from './http/webhook-view.js';

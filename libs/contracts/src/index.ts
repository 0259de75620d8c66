export { Metrics, toMetricValue, TrainerControl, TrainerEvent } from './trainer-protocol.js';
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
} from './worker-rpc.js';
export { CheckpointExport, EXPORT_FILE, ImportBody } from './checkpoint-export.js';
export {
  CheckpointPage,
  CheckpointStats,
  CheckpointView,
  CleanupBody,
  CleanupView,
  DeleteCheckpointQuery,
  VerifyBody,
  VerifyView,
} from './checkpoint-view.js';
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
} from './operation-actions.js';
export { EventPage, EventView, ExplainView, HistoryPage, MetricsPage, ResultView } from './operation-record-view.js';
export { CheckpointSummary, OperationId, OperationPage, OperationView } from './operation-view.js';
export { CheckpointingView } from './checkpointing.js';
export { DriftView } from './continuation-view.js';
export { LARGEST_COUNT } from './position.js';
export { PoolName } from './pool-name.js';
export { Problem } from './problem.js';
export { DrainBody, WorkerPage, WorkerView } from './worker-view.js';
export {
  EnrolmentBody,
  EnrolmentCreatedView,
  IdentityBody,
  IdentityPage,
  IdentityQuery,
  IdentityView,
  WorkerCredentialsView,
} from './worker-identity.js';
export { DeliveryPage, WebhookBody, WebhookCreatedView, WebhookPage, WebhookView } from './webhook-view.js';

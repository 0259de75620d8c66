export { Metrics, toMetricValue, TrainerControl, TrainerEvent } from './worker/trainer-protocol.js';
export {
  CheckpointRecord,
  ClaimedOperation,
  ControlHint,
  Directive,
  EventIdentity,
  FileEntry,
  MOST_EVENTS,
  RPC_PROTOCOL,
  RpcEnvelope,
  WORKER_RPC,
  WorkerEvent,
  type WorkerRpcMethod,
  type WorkerRpcReply,
  type WorkerRpcRequest,
} from './worker/worker-rpc.js';
export { DriftView, ResourceSnapshot } from './worker/measurements.js';
export { CheckpointExport, EXPORT_FILE } from './http/checkpoint-export.js';
export { CheckpointPage, CheckpointStats, CheckpointView, CleanupView, VerifyView } from './http/checkpoint-view.js';
export { ActionView, BulkView, ForkedView, ResumedView } from './http/action-views.js';
export {
  EventPage,
  EventView,
  ExplainView,
  HistoryPage,
  MetricsPage,
  ResultView,
} from './http/operation-record-view.js';
export { CheckpointingView, CheckpointSummary, OperationPage, OperationView } from './http/operation-view.js';
export { Problem } from './http/problem.js';
export { DeliveryPage, WebhookCreatedView, WebhookPage, WebhookView } from './http/webhook-view.js';
export {
  EnrolmentCreatedView,
  IdentityPage,
  IdentityView,
  WorkerCredentialsView,
  WorkerPage,
  WorkerView,
} from './http/worker-view.js';
export { LARGEST_COUNT, PoolName, WorkerId } from './fields.js';
export { ROUTES } from './routes/index.js';
export { type BulkFilter } from './routes/bulk.js';
export { type CleanupBody } from './routes/checkpoints.js';
export { type PauseBody, type ResumeBody, type SubmitBody } from './routes/operations.js';
export {
  type Access,
  parametersOf,
  type ParsedBody,
  type ParsedQuery,
  type Route,
  type RouteBody,
  type RouteParameters,
  type RouteQuery,
  type RouteReply,
} from './routes/route.js';

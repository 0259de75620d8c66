export { MessagingUnavailableError, RpcError, RpcUnavailableError } from './errors.js';
export { HintListener, HintPublisher } from './hints.js';
export { type ConnectOptions, NatsSession, type NatsSettings, type SessionStatus } from './nats-session.js';
export { type Subjects, subjectsOf } from './subjects.js';
export { WorkerRpcClient } from './worker-rpc-client.js';
export { type ServerLimits, type ServerReports, type WorkerRpcHandlers, WorkerRpcServer } from './worker-rpc-server.js';

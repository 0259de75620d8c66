export { ControlListener } from './control-listener.js';
export { MessagingUnavailableError, RpcError, RpcUnavailableError } from './errors.js';
export { type DispatchTicket, NatsOperationDispatcher } from './nats-operation-dispatcher.js';
export { type ConnectOptions, NatsSession, type NatsSettings, type SessionStatus } from './nats-session.js';
export { type Subjects, subjectsOf } from './subjects.js';
export { type NextTicket, type Ticket, TicketConsumer } from './ticket-consumer.js';
export { WorkerRpcClient } from './worker-rpc-client.js';
export { type ServerLimits, type ServerReports, type WorkerRpcHandlers, WorkerRpcServer } from './worker-rpc-server.js';

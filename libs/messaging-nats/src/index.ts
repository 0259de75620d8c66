export { expiryOf, signNatsJwt } from './credentials/nats-jwt.js';
export { isPublicNkey, Nkey, NkeyInvalidError } from './credentials/nkey.js';
export {
  generateSeeds,
  readCreds,
  type ServerSeeds,
  type ServerSetup,
  serverSetup,
  toCreds,
} from './credentials/server-setup.js';
export { userAuthenticator } from './credentials/user-authenticator.js';
export { WORKER_TOKEN_SECONDS, WorkerCredentials } from './credentials/worker-credentials.js';
export { MessagingUnavailableError, RpcError, RpcUnavailableError } from './errors.js';
export { HintListener, HintPublisher } from './hints.js';
export { type ConnectOptions, NatsSession, type NatsSettings, type SessionStatus } from './nats-session.js';
export { type Subjects, subjectsOf } from './subjects.js';
export { WorkerRpcClient } from './worker-rpc-client.js';
export { type ServerLimits, type ServerReports, type WorkerRpcHandlers, WorkerRpcServer } from './worker-rpc-server.js';

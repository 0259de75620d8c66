export { isProofOf, readProof, writeProof } from './credentials/credentials-proof.js';
export { accountOf, lifetimeOf, signNatsJwt } from './credentials/nats-jwt.js';
export { isPublicNkey, Nkey } from './credentials/nkey.js';
export {
  generateSeeds,
  readCreds,
  type ServerSeeds,
  type ServerSetup,
  serverSetup,
  withNewSigningKey,
} from './credentials/server-setup.js';
export { apiUser, type NatsUser, userAuthenticator, workerUser } from './credentials/nats-user.js';
export { WORKER_TOKEN_SECONDS, WorkerCredentials } from './credentials/worker-credentials.js';
export { RpcError, RpcUnavailableError } from './errors.js';
export { HintListener, HintPublisher } from './hints.js';
export { NatsSession, type SessionStatus } from './nats-session.js';
export { subjectsOf } from './subjects.js';
export { WorkerRpcClient } from './worker-rpc-client.js';
export {
  type Asker,
  type ServerLimits,
  type ServerPorts,
  type WorkerRpcHandlers,
  WorkerRpcServer,
} from './worker-rpc-server.js';

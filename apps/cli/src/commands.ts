import type { Command } from '@oclif/core';
import Checkpoints from './commands/checkpoints/index.js';
import CheckpointsCleanup from './commands/checkpoints/cleanup.js';
import CheckpointsDelete from './commands/checkpoints/delete.js';
import CheckpointsExport from './commands/checkpoints/export.js';
import CheckpointsImport from './commands/checkpoints/import.js';
import CheckpointsPin from './commands/checkpoints/pin.js';
import CheckpointsShow from './commands/checkpoints/show.js';
import CheckpointsStats from './commands/checkpoints/stats.js';
import CheckpointsUnpin from './commands/checkpoints/unpin.js';
import CheckpointsVerify from './commands/checkpoints/verify.js';
import Login from './commands/login.js';
import NatsConfig from './commands/nats-config.js';
import OperationsCancel from './commands/operations/cancel.js';
import OperationsDelete from './commands/operations/delete.js';
import OperationsExplain from './commands/operations/explain.js';
import OperationsFork from './commands/operations/fork.js';
import OperationsHistory from './commands/operations/history.js';
import Operations from './commands/operations/index.js';
import OperationsLogs from './commands/operations/logs.js';
import OperationsPause from './commands/operations/pause.js';
import OperationsPrioritise from './commands/operations/prioritise.js';
import OperationsResult from './commands/operations/result.js';
import OperationsResume from './commands/operations/resume.js';
import OperationsRetry from './commands/operations/retry.js';
import OperationsShow from './commands/operations/show.js';
import OperationsStart from './commands/operations/start.js';
import OperationsWatch from './commands/operations/watch.js';
import WorkersDrain from './commands/workers/drain.js';
import WorkersEnrol from './commands/workers/enrol.js';
import Workers from './commands/workers/index.js';
import WorkersRevoke from './commands/workers/revoke.js';

/** Named here rather than searched for at each start. */
export default {
  checkpoints: Checkpoints,
  'checkpoints:cleanup': CheckpointsCleanup,
  'checkpoints:delete': CheckpointsDelete,
  'checkpoints:export': CheckpointsExport,
  'checkpoints:import': CheckpointsImport,
  'checkpoints:pin': CheckpointsPin,
  'checkpoints:show': CheckpointsShow,
  'checkpoints:stats': CheckpointsStats,
  'checkpoints:unpin': CheckpointsUnpin,
  'checkpoints:verify': CheckpointsVerify,
  login: Login,
  'nats-config': NatsConfig,
  operations: Operations,
  'operations:cancel': OperationsCancel,
  'operations:delete': OperationsDelete,
  'operations:explain': OperationsExplain,
  'operations:fork': OperationsFork,
  'operations:history': OperationsHistory,
  'operations:logs': OperationsLogs,
  'operations:pause': OperationsPause,
  'operations:prioritise': OperationsPrioritise,
  'operations:result': OperationsResult,
  'operations:resume': OperationsResume,
  'operations:retry': OperationsRetry,
  'operations:show': OperationsShow,
  'operations:start': OperationsStart,
  'operations:watch': OperationsWatch,
  workers: Workers,
  'workers:drain': WorkersDrain,
  'workers:enrol': WorkersEnrol,
  'workers:revoke': WorkersRevoke,
} satisfies Record<string, Command.Class>;

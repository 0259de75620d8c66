import type { ErrorCode } from '@ktrdr/errors';
import type { OperationStatus } from '@ktrdr/operations/model';

/** What the process says when it ends. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  unreachable: 5,
  corruptedCheckpoint: 6,
  notAuthorised: 7,
  // 128 and the number of the signal, as shells say it.
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const EXIT_OF_ERROR: Readonly<Record<ErrorCode, ExitCode>> = {
  'operation-not-found': EXIT.notFound,
  'checkpoint-not-found': EXIT.notFound,
  'worker-not-found': EXIT.notFound,
  'webhook-not-found': EXIT.notFound,
  'object-not-found': EXIT.notFound,
  'request-invalid': EXIT.usage,
  'cursor-invalid': EXIT.usage,
  'spec-invalid': EXIT.usage,
  unauthorized: EXIT.notAuthorised,
  forbidden: EXIT.notAuthorised,
  'enrolment-not-found': EXIT.notFound,
  'enrolment-refused': EXIT.notAuthorised,
  'worker-unknown': EXIT.notAuthorised,
  'worker-revoked': EXIT.notAuthorised,
  'worker-id-taken': EXIT.conflict,
  'clock-off': EXIT.notAuthorised,
  'idempotency-key-reused': EXIT.conflict,
  'idempotency-in-progress': EXIT.conflict,
  'illegal-transition': EXIT.conflict,
  'pause-refused': EXIT.conflict,
  'checkpoint-in-use': EXIT.conflict,
  'lease-lost': EXIT.conflict,
  'checkpoint-corrupted': EXIT.corruptedCheckpoint,
  'checkpoint-incompatible': EXIT.corruptedCheckpoint,
  'checkpoint-failed': EXIT.failed,
  'data-not-found': EXIT.failed,
  'data-invalid': EXIT.failed,
  'data-changed': EXIT.failed,
  'backend-unavailable': EXIT.failed,
  'layer-unsupported': EXIT.failed,
  'training-diverged': EXIT.failed,
  'trainer-crashed': EXIT.failed,
  'trainer-out-of-memory': EXIT.failed,
  'trainer-stalled': EXIT.failed,
  'trainer-protocol-violated': EXIT.failed,
  'trainer-not-allowed': EXIT.notAuthorised,
  'trainer-not-found': EXIT.failed,
  'trainer-refused': EXIT.failed,
  'recovery-exhausted': EXIT.failed,
  'configuration-invalid': EXIT.usage,
  'database-unavailable': EXIT.unreachable,
  'messaging-unavailable': EXIT.unreachable,
  busy: EXIT.unreachable,
  'protocol-mismatch': EXIT.conflict,
  'object-store-unavailable': EXIT.unreachable,
  'objects-in-use': EXIT.unreachable,
  'api-unreachable': EXIT.unreachable,
  'shutting-down': EXIT.unreachable,
  internal: EXIT.failed,
};

/** A watch ends with this. What has not ended goes on, and the watcher left it well. */
const EXIT_OF_STATUS: Readonly<Record<OperationStatus, ExitCode>> = {
  queued: EXIT.ok,
  running: EXIT.ok,
  pausing: EXIT.ok,
  paused: EXIT.ok,
  resuming: EXIT.ok,
  cancelling: EXIT.ok,
  cancelled: EXIT.failed,
  completed: EXIT.ok,
  failed: EXIT.failed,
};

export function exitCodeOfSignal(signal: NodeJS.Signals): ExitCode {
  if (signal === 'SIGHUP') return EXIT.hungUp;
  return signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
}

export function exitCodeOfError(code: ErrorCode): ExitCode {
  return EXIT_OF_ERROR[code];
}

export function exitCodeOfStatus(status: OperationStatus): ExitCode {
  return EXIT_OF_STATUS[status];
}

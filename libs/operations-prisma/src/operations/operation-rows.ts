import {
  type AttemptRecord,
  type Checkpoint,
  CHECKPOINT_ORDER,
  type HistoryEntry,
  type MetricPointRecord,
  type Operation,
  type OperationEventRecord,
} from '@ktrdr/operations';
import { Prisma } from '../generated/prisma/client.js';
import type {
  Attempt as AttemptRow,
  Checkpoint as CheckpointRow,
  HistoryEntry as HistoryRow,
  MetricPoint as MetricPointRow,
  Operation as OperationRow,
} from '../generated/prisma/client.js';

/** Column → property, for statements that return whole operations. */
const COLUMNS: Readonly<Record<keyof OperationRow, string>> = {
  id: 'id',
  type: 'type',
  name: 'name',
  labels: 'labels',
  pool: 'pool',
  priority: 'priority',
  status: 'status',
  version: 'version',
  attempt: 'attempt',
  eventSeq: 'event_seq',
  spec: 'spec',
  specSha256: 'spec_sha256',
  requirements: 'requirements',
  pinnedBackend: 'pinned_backend',
  backendChangeAllowed: 'backend_change_allowed',
  parentId: 'parent_id',
  overrides: 'overrides',
  formerSpecSha256: 'former_spec_sha256',
  origin: 'origin',
  watchdog: 'watchdog',
  stuckSince: 'stuck_since',
  pauseRecord: 'pause_record',
  createdBy: 'created_by',
  submissionKey: 'submission_key',
  workerId: 'worker_id',
  leaseExpiresAt: 'lease_expires_at',
  maxRecoveries: 'max_recoveries',
  recoveries: 'recoveries',
  pauseRequest: 'pause_request',
  cancelRequest: 'cancel_request',
  resumeCheckpointId: 'resume_checkpoint_id',
  progress: 'progress',
  metrics: 'metrics',
  best: 'best',
  checkpointing: 'checkpointing',
  error: 'error',
  warnings: 'warnings',
  result: 'result',
  createdAt: 'created_at',
  queuedAt: 'queued_at',
  startedAt: 'started_at',
  finishedAt: 'finished_at',
  statusSince: 'status_since',
  queuedMs: 'queued_ms',
  activeMs: 'active_ms',
  pausedMs: 'paused_ms',
  progressAt: 'progress_at',
};

/** The select list that makes `alias`'s rows look like Prisma's own. */
export function operationColumns(alias: string): Prisma.Sql {
  return selectList(alias, COLUMNS);
}

function selectList(alias: string, columns: Readonly<Record<string, string>>): Prisma.Sql {
  return Prisma.raw(
    Object.entries(columns)
      .map(([property, column]) => `${alias}.${column} AS "${property}"`)
      .join(', '),
  );
}

const CHECKPOINT_COLUMNS: Readonly<Record<keyof CheckpointRow, string>> = {
  id: 'id',
  operationId: 'operation_id',
  attempt: 'attempt',
  seq: 'seq',
  kind: 'kind',
  step: 'step',
  epoch: 'epoch',
  createdAt: 'created_at',
  committedAt: 'committed_at',
  manifestKey: 'manifest_key',
  manifestSha256: 'manifest_sha256',
  bytes: 'bytes',
  files: 'files',
  metrics: 'metrics',
  isBest: 'is_best',
  pinned: 'pinned',
  corruptedAt: 'corrupted_at',
  supersededAt: 'superseded_at',
  expiryWarnedAt: 'expiry_warned_at',
  deletingAt: 'deleting_at',
  verifiedAt: 'verified_at',
  parentId: 'parent_id',
  stallMs: 'stall_ms',
  saveMs: 'save_ms',
  uploadedBytes: 'uploaded_bytes',
};

/** The same for checkpoints. */
export function checkpointColumns(alias: string): Prisma.Sql {
  return selectList(alias, CHECKPOINT_COLUMNS);
}

/** What of a checkpoint's row comes as text in JSON. */
const INSTANTS = [
  'createdAt',
  'committedAt',
  'corruptedAt',
  'supersededAt',
  'expiryWarnedAt',
  'deletingAt',
  'verifiedAt',
] as const;
export type CheckpointJson = Omit<CheckpointRow, (typeof INSTANTS)[number]> &
  Readonly<Record<(typeof INSTANTS)[number], string | null>>;

/** {@link CHECKPOINT_ORDER} for the checkpoints `c` of one operation. */
export const IN_ORDER = CHECKPOINT_ORDER.map(({ field, first }) =>
  first === 'null' ? `c.${CHECKPOINT_COLUMNS[field]} IS NOT NULL` : `c.${CHECKPOINT_COLUMNS[field]} DESC`,
).join(', ');

/** The checkpoints of the operation in row `alias`, in order, as one JSON value of that row. */
export function checkpointsOf(alias: string): Prisma.Sql {
  const fields = Object.entries(CHECKPOINT_COLUMNS).map(([property, column]) => `'${property}', c.${column}`);
  return Prisma.raw(`(
    SELECT coalesce(jsonb_agg(jsonb_build_object(${fields.join(', ')}) ORDER BY ${IN_ORDER}), '[]')
    FROM checkpoints c WHERE c.operation_id = ${alias}.id AND c.deleting_at IS NULL)`);
}

export function fromCheckpointJson(json: CheckpointJson): Checkpoint {
  const instants = Object.fromEntries(
    INSTANTS.map((name) => [name, json[name] === null ? null : new Date(json[name])]),
  );
  return toCheckpoint({ ...json, ...instants } as unknown as CheckpointRow);
}

export function toOperation(row: OperationRow): Operation {
  return {
    id: row.id,
    type: row.type,
    name: row.name,
    labels: row.labels as Operation['labels'],
    pool: row.pool,
    priority: row.priority,
    status: row.status as Operation['status'], // the column is constrained to the same list
    version: row.version,
    attempt: row.attempt,
    eventSeq: row.eventSeq,
    spec: row.spec,
    specSha256: row.specSha256,
    overrides: row.overrides as Operation['overrides'],
    formerSpecSha256: row.formerSpecSha256,
    parentId: row.parentId,
    origin: row.origin as Operation['origin'],
    watchdog: row.watchdog as Operation['watchdog'],
    stuckSince: row.stuckSince,
    pauseRecord: row.pauseRecord as Operation['pauseRecord'],
    requirements: row.requirements,
    pinnedBackend: row.pinnedBackend,
    backendChangeAllowed: row.backendChangeAllowed,
    createdBy: row.createdBy,
    workerId: row.workerId,
    leaseExpiresAt: row.leaseExpiresAt,
    recoveries: row.recoveries,
    maxRecoveries: row.maxRecoveries,
    pauseRequest: row.pauseRequest as Operation['pauseRequest'],
    cancelRequest: row.cancelRequest as Operation['cancelRequest'],
    resumeCheckpointId: row.resumeCheckpointId,
    progress: row.progress as Operation['progress'],
    metrics: row.metrics as Operation['metrics'],
    best: row.best as Operation['best'],
    checkpointing: row.checkpointing as Operation['checkpointing'],
    error: row.error as Operation['error'],
    warnings: row.warnings as unknown as Operation['warnings'],
    result: row.result as Operation['result'],
    createdAt: row.createdAt,
    queuedAt: row.queuedAt,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
    statusSince: row.statusSince,
    queuedMs: Number(row.queuedMs),
    activeMs: Number(row.activeMs),
    pausedMs: Number(row.pausedMs),
  };
}

export function toCheckpoint(row: CheckpointRow): Checkpoint {
  return {
    id: row.id,
    operationId: row.operationId,
    attempt: row.attempt,
    seq: row.seq,
    kind: row.kind,
    step: row.step,
    epoch: row.epoch,
    createdAt: row.createdAt,
    manifestKey: row.manifestKey,
    manifestSha256: row.manifestSha256,
    bytes: Number(row.bytes),
    files: row.files as unknown as Checkpoint['files'],
    metrics: row.metrics as Checkpoint['metrics'],
    isBest: row.isBest,
    pinned: row.pinned,
    corruptedAt: row.corruptedAt,
    supersededAt: row.supersededAt,
    verifiedAt: row.verifiedAt,
    parentId: row.parentId,
    stallMs: row.stallMs,
    saveMs: row.saveMs,
    uploadedBytes: row.uploadedBytes === null ? null : Number(row.uploadedBytes),
  };
}

export function toHistoryEntry(row: HistoryRow): HistoryEntry {
  return {
    n: row.n,
    event: row.event as HistoryEntry['event'],
    from: row.from as HistoryEntry['from'],
    to: row.to as HistoryEntry['to'],
    actor: row.actor,
    reason: row.reason,
    attempt: row.attempt,
    at: row.at,
    details: row.details as HistoryEntry['details'],
  };
}

export function toAttempt(row: AttemptRow): AttemptRecord {
  const { attempt, workerId, startStep, startEpoch, checkpointId, outcome } = row;
  return { attempt, workerId, startStep, startEpoch, checkpointId, outcome };
}

export function toMetricPoint({ step, epoch, attempt, at, values }: MetricPointRow): MetricPointRecord {
  return { step, epoch, attempt, at, values: values as MetricPointRecord['values'] };
}

export interface EventRow {
  readonly operationId: string;
  readonly seq: number;
  readonly type: string;
  readonly attempt: number;
  readonly at: Date;
  readonly data: unknown;
}

export function toEvent({ operationId, seq, type, attempt, at, data }: EventRow): OperationEventRecord {
  return { operationId, seq, type, attempt, at, data: data as OperationEventRecord['data'] };
}

import { MAX_BLOB_BYTES } from '@ktrdr/operations/model';
import { z } from 'zod';
import { Count, Instant, LARGEST_COUNT, PoolName, Position, WorkerId } from '../fields.js';
import { CheckpointingFigures, DriftView, ResourceSnapshot } from './measurements.js';
import { Boundary, CheckpointKind, Metrics } from './trainer-protocol.js';

/** Requests of workers to the API over NATS. Every one can be repeated: the answer and the effect stay the same. */

const Ordinal = z.int().min(1).max(LARGEST_COUNT);
const Lease = { operation_id: z.string(), attempt: Ordinal, worker_id: WorkerId };

const WorkerRegistration = z.object({
  worker_id: WorkerId,
  pool: PoolName,
  version: z.string(),
  host: z.string(),
  pid: z.int(),
  slots: z.int().min(1),
  /** Tags that an operation may require, such as `type:training` or `backend:wasm`. */
  capabilities: z.array(z.string()),
  /** What it believes it holds. */
  leases: z.array(z.object({ operation_id: z.string(), attempt: Ordinal })),
});

/** What a worker should be doing with an operation it holds. */
export const Directive = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('run') }),
  z.object({ kind: z.literal('pause'), boundary: Boundary }),
  z.object({ kind: z.literal('cancel'), save: z.boolean() }),
  /** Another attempt owns it, or it is settled: end the trainer, drop the spool. */
  z.object({ kind: z.literal('lease-lost'), reason: z.string() }),
]);
export type Directive = z.infer<typeof Directive>;

const StoredPart = z.object({ blob: z.string(), bytes: z.int().min(1).max(MAX_BLOB_BYTES) });

/** A file of a checkpoint: whole in one blob, or, when it is large, in parts that follow each other. */
export const FileEntry = z
  .object({
    name: z.string(),
    bytes: z.int().min(0),
    sha256: z.string().optional().describe('of the whole file; absent when it is in parts'),
    blob: z.string().optional().describe('where it is; absent when it is in parts'),
    parts: z.array(StoredPart).min(2).readonly().optional().describe('each under its own SHA-256, which ends its key'),
  })
  .refine(({ sha256, blob, parts }) => (parts ? !blob && !sha256 : blob && sha256), 'is neither whole nor in parts')
  .refine(({ bytes, parts }) => parts || bytes <= MAX_BLOB_BYTES, `has more than ${MAX_BLOB_BYTES} bytes in one blob`);
export type FileEntry = z.infer<typeof FileEntry>;

export const CheckpointRecord = z.object({
  id: z.string(),
  seq: Count,
  kind: CheckpointKind,
  ...Position,
  created_at: Instant,
  manifest_key: z.string(),
  manifest_sha256: z.string(),
  bytes: z.int().min(0),
  files: z.array(FileEntry),
  metrics: Metrics,
  is_best: z.boolean(),
  parent_id: z.string().nullable(),
  stall_ms: z.number().nullable(),
  save_ms: z.number().nullable(),
  uploaded_bytes: z.int().nullable(),
});
export type CheckpointRecord = z.infer<typeof CheckpointRecord>;

export const ClaimedOperation = z.object({
  ...Lease,
  type: z.string(),
  spec: z.unknown(),
  spec_sha256: z.string(),
  accepted_spec_sha256: z.array(z.string()),
  lease_ms: z.int(),
  /** The backend that earlier attempts trained on; another one would change the numbers. */
  pinned_backend: z.string().nullable(),
  /** A checkpoint of another backend may be continued, although the numbers will differ. */
  allow_backend_change: z.boolean(),
  resume: z
    .object({
      checkpoint_id: z.string(),
      manifest_key: z.string(),
      manifest_sha256: z.string(),
      ...Position,
    })
    .nullable(),
  /** The checkpoint that was known to be damaged and is passed over for the one in `resume`. */
  fell_back_from: z.string().nullable(),
  directive: Directive,
});
export type ClaimedOperation = z.infer<typeof ClaimedOperation>;

const TrainingError = z.object({
  code: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()),
});

/** Raised when a request or its answer changes so that an older side would misread it. */
export const RPC_PROTOCOL = 2;

/** Of one request. */
export const MOST_EVENTS = 256;

/** One entry a call: the subject's last part → what goes in and what comes out. */
export const WORKER_RPC = {
  register: {
    request: WorkerRegistration,
    reply: z.object({
      heartbeat_ms: z.int(),
      lease_ms: z.int(),
      /** Directives for the leases it named. */
      directives: z.array(z.object({ operation_id: z.string(), attempt: z.int(), directive: Directive })),
    }),
  },
  claim: {
    request: z.object({
      worker_id: WorkerId,
      /** Made anew for each claim; repeating the request with the same one returns the same operation. */
      claim_id: z.string(),
      pool: PoolName,
      capabilities: z.array(z.string()),
    }),
    reply: z.object({ operation: ClaimedOperation.nullable() }),
  },
  heartbeat: {
    request: z.object({
      worker_id: WorkerId,
      free_slots: z.int().min(0),
      leases: z.array(
        z.object({
          operation_id: z.string(),
          attempt: Ordinal,
          /** It is not stuck: since the last answered heartbeat its trainer has stepped, or bytes of its checkpoints moved. */
          moved: z.boolean(),
        }),
      ),
    }),
    reply: z.object({
      /** False: this worker is not known (any more) and must register. */
      registered: z.boolean(),
      draining: z.boolean(),
      /** Operations wait that this worker can run and may take: it should claim now. */
      work_waits: z.boolean(),
      directives: z.array(z.object({ operation_id: z.string(), attempt: z.int(), directive: Directive })),
    }),
  },
  /** What attempts tell while they train, in order. A repetition is recognised by operation, attempt and `n`. */
  events: {
    request: z.object({
      worker_id: WorkerId,
      /** Each a `WorkerEvent`; one that is not is told as a warning in its place. */
      events: z.array(z.unknown()).min(1).max(MOST_EVENTS),
    }),
    reply: z.object({
      /** `ended`: nothing of this attempt is recorded any more. */
      operations: z.array(
        z.object({ operation_id: z.string(), attempt: Ordinal, outcome: z.enum(['recorded', 'ended']) }),
      ),
    }),
  },
  restored: {
    request: z.object({
      ...Lease,
      ...Position,
      steps: Count,
      epochs: Count,
      backend: z.string().nullable(),
      backend_version: z.string(),
      backend_reason: z.string(),
      data_fingerprint: z.string(),
      trainer: z.string(),
      /** The checkpoint that was restored, which can be older than the one chosen when that failed its hashes. */
      checkpoint_id: z.string().nullable(),
      fell_back_from: z.string().nullable(),
      /** What is not as it was when that checkpoint was saved. */
      drift: z.array(DriftView),
    }),
    reply: z.object({ directive: Directive }),
  },
  /** The restore found the checkpoint damaged; the reply names the next older one or none. */
  'restore-failed': {
    request: z.object({
      ...Lease,
      checkpoint_id: z.string(),
      bad_files: z.array(z.object({ name: z.string(), problem: z.string(), detail: z.string() })),
    }),
    reply: z.object({
      /** null: nothing valid is left; the operation has been failed. */
      resume: ClaimedOperation.shape.resume,
    }),
  },
  'checkpoint-commit': {
    request: z.object({ ...Lease, checkpoint: CheckpointRecord }),
    reply: z.object({ checkpoint_id: z.string() }),
  },
  'checkpoint-failed': {
    request: z.object({
      ...Lease,
      kind: CheckpointKind,
      ...Position,
      error: TrainingError,
      /** True: a pause needed this checkpoint; the operation goes back to running. */
      pause_abandoned: z.boolean(),
    }),
    reply: z.object({ directive: Directive }),
  },
  paused: {
    request: z.object({
      ...Lease,
      ...Position,
      checkpoint_id: z.string(),
      /** What the machine was doing when it paused; null where it could not be measured. */
      snapshot: ResourceSnapshot.nullable(),
    }),
    reply: z.object({ status: z.string() }),
  },
  cancelled: {
    request: z.object({ ...Lease, ...Position, checkpoint_id: z.string().nullable() }),
    reply: z.object({ status: z.string() }),
  },
  completed: {
    request: z.object({
      ...Lease,
      ...Position,
      checkpoint_id: z.string().nullable(),
      result: z.record(z.string(), z.unknown()),
    }),
    reply: z.object({ status: z.string() }),
  },
  failed: {
    request: z.object({ ...Lease, error: TrainingError, checkpoint_id: z.string().nullable() }),
    reply: z.object({ status: z.string() }),
  },
  released: {
    request: z.object({ ...Lease, ...Position, checkpoint_id: z.string().nullable(), reason: z.string() }),
    reply: z.object({ status: z.string() }),
  },
} as const;

export type WorkerRpcMethod = keyof typeof WORKER_RPC;
export type WorkerRpcRequest<M extends WorkerRpcMethod> = z.infer<(typeof WORKER_RPC)[M]['request']>;
export type WorkerRpcReply<M extends WorkerRpcMethod> = z.infer<(typeof WORKER_RPC)[M]['reply']>;

/** Every reply on the wire: the method's own, or the error with its code. */
export const RpcEnvelope = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), reply: z.unknown() }),
  z.object({
    ok: z.literal(false),
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), z.unknown()),
  }),
]);

/** What a running attempt tells while it trains. Counts end where PostgreSQL's `integer` does. */
export const WorkerEvent = z.object({
  /** Unique, rising within the attempt: a repetition is recognised by it. */
  n: Ordinal,
  ...Lease,
  at: Instant,
  body: z.discriminatedUnion('type', [
    z.object({
      type: z.literal('progress'),
      ...Position,
      steps: Count,
      epochs: Count,
      loss: z.union([z.number(), z.string()]).nullable(),
      examples_per_second: z.number().nullable(),
    }),
    z.object({ type: z.literal('metrics'), ...Position, values: Metrics, best: z.boolean() }),
    z.object({ type: z.literal('log'), stream: z.enum(['stdout', 'stderr']), lines: z.array(z.string()) }),
    z.object({
      type: z.literal('checkpointing'),
      ...CheckpointingFigures,
      longest_unprotected_seconds: z.number().min(0),
    }),
    z.object({ type: z.literal('warning'), code: z.string(), message: z.string() }),
  ]),
});
export type WorkerEvent = z.infer<typeof WorkerEvent>;

/** Which event it is; readable where the rest of it may not be. */
export const EventIdentity = WorkerEvent.pick({ n: true, operation_id: true, attempt: true });

/** Hint on `<prefix>.control.<worker>`: something changed, so send a heartbeat now; or there is work, so claim now. */
export const ControlHint = z.object({ work_waits: z.boolean().optional() });
export type ControlHint = z.infer<typeof ControlHint>;

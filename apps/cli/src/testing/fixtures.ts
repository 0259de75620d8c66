import type {
  ActionView,
  BulkView,
  CheckpointView,
  EventView,
  OperationView,
  ResumedView,
  WorkerView,
} from '@ktrdr/contracts';
import { printed } from '../render/terminal/layout.js';
import { plain } from '../render/terminal/paint.js';
import type { Shown } from '../render/words/parts.js';

/** As a terminal without colours shows it. */
export function plainText(shown: Shown): string {
  return printed(shown, plain);
}

export const ID = 'op_training_20261122_101500_k3v9qa';
export const NOW = new Date('2026-11-22T10:17:05.000Z');

type Summary = NonNullable<OperationView['latest_checkpoint']>;

export function checkpointSummary(changes: Partial<Summary> = {}): Summary {
  return {
    checkpoint_id: 'ck_01',
    checkpoint_type: 'cancel',
    created_at: '2026-11-22T10:15:00.000Z',
    corrupted_at: null,
    step: 1400,
    epoch: 25,
    ...changes,
  };
}

/** A running operation as the API answers it. */
export function operationView(changes: Partial<OperationView> = {}): OperationView {
  return {
    operation_id: ID,
    type: 'training',
    name: 'sp500 direction',
    labels: { owner: 'ada' },
    status: 'running',
    version: 3,
    attempt: 2,
    pool: 'default',
    priority: 0,
    queue_position: null,
    allowed_actions: ['pause', 'cancel'],
    progress: {
      fraction: 0.24,
      epoch: 12,
      epochs: 50,
      step: 1344,
      steps: 5600,
      examples_per_second: 8100,
      eta_seconds: 41,
    },
    metrics: { loss: 0.68921, val_loss: 0.69112 },
    best: { step: 1232, epoch: 11, metric: 'val_loss', value: 0.69101 },
    latest_checkpoint: null,
    checkpointing: null,
    resumed_from: null,
    pause: null,
    paused: null,
    pauses: [],
    cancel: null,
    worker_id: 'worker-1',
    lease_expires_at: '2026-11-22T10:17:08.000Z',
    backend: 'wasm',
    error: null,
    warnings: [],
    recoveries: 0,
    max_recoveries: 10,
    spec: { version: 1 },
    spec_sha256: 'ab'.repeat(32),
    overrides: null,
    parent_id: null,
    origin: null,
    forked_from: null,
    forks: [],
    is_forkable: false,
    children: null,
    watchdog: { seconds: 600, on_stall: 'warn' },
    stuck_since: null,
    suggestions: [],
    remaining: null,
    result: null,
    created_at: '2026-11-22T10:15:00.000Z',
    started_at: '2026-11-22T10:15:01.000Z',
    finished_at: null,
    queued_seconds: 1,
    active_seconds: 124,
    paused_seconds: 0,
    ...changes,
  };
}

export function resumedView(changes: Partial<ResumedView> = {}): ResumedView {
  return {
    operation_id: ID,
    status: 'resuming',
    queue_position: 1,
    no_fitting_worker: null,
    resumed_from: checkpointSummary(),
    lost_steps: 0,
    fell_back_from: null,
    changes: [],
    guarantee: { level: 'bit-exact', detail: 'the same backend' },
    drift: [],
    dry_run: false,
    ...changes,
  };
}

export function actionView(changes: Partial<ActionView> = {}): ActionView {
  return { operation_id: ID, status: 'cancelling', message: `Cancelling ${ID}`, allowed_actions: [], ...changes };
}

export function checkpointView(changes: Partial<CheckpointView> = {}): CheckpointView {
  return {
    ...checkpointSummary(),
    operation_id: ID,
    attempt: 1,
    seq: 4,
    bytes: 1_403_000,
    files: [
      { name: 'model.json', bytes: 2_100, sha256: 'cd'.repeat(32), blob: 'blobs/sha256/cd/cd' },
      { name: 'weights.safetensors', bytes: 1_400_900, sha256: 'ef'.repeat(32), blob: 'blobs/sha256/ef/ef' },
    ],
    metrics: { loss: 0.68921, val_loss: 'NaN' },
    is_latest: true,
    is_best: false,
    pinned: true,
    superseded_at: null,
    verified_at: null,
    parent_id: null,
    manifest_key: 'checkpoints/x/manifest.json',
    manifest_sha256: '01'.repeat(32),
    stall_ms: 3.2,
    save_ms: 120,
    uploaded_bytes: 1_400_900,
    resume_hint: `ktrdr operations resume ${ID} --checkpoint ck_01`,
    ...changes,
  };
}

export function eventView(seq: number, type: string, data: EventView['data'] = {}): EventView {
  const at = new Date(NOW.getTime() + seq * 100).toISOString();
  return { operation_id: ID, seq, type, attempt: 2, at, data };
}

type BulkItem = BulkView['items'][number];

export function bulkItem(changes: Partial<BulkItem> = {}): BulkItem {
  return {
    operation_id: ID,
    name: 'sp500 direction',
    status: 'paused',
    outcome: 'done',
    code: null,
    detail: null,
    ...changes,
  };
}

export function bulkView(items: readonly BulkItem[], isDryRun = false): BulkView {
  const done = items.filter(({ outcome }) => outcome === 'done' || outcome === 'would-be-done').length;
  return { dry_run: isDryRun, matched: items.length, left_out: 0, done, items: [...items] };
}

export function workerView(changes: Partial<WorkerView> = {}): WorkerView {
  return {
    worker_id: 'w1',
    pool: 'default',
    status: 'draining',
    version: '0.1.0',
    host: 'here',
    pid: 42,
    slots: 1,
    free_slots: 0,
    capabilities: ['type:training'],
    operations: [ID],
    registered_at: '2026-11-22T10:00:00.000Z',
    last_seen_at: '2026-11-22T10:17:04.000Z',
    ...changes,
  };
}

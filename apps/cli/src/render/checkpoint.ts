import type { CheckpointPage, CheckpointStats, CheckpointView, FileEntry, VerifyView } from '@ktrdr/contracts';
import { position, renderMetrics } from './words/figures.js';
import { block, type Column, type Row, table } from './terminal/layout.js';
import { lossColumns } from './loss-columns.js';
import type { RenderContext } from './operation-detail.js';
import type { Paint } from './terminal/paint.js';
import { age, count, duration, quantity, size } from './words/units.js';

export function renderCheckpoints(operationId: string, { items }: CheckpointPage, context: RenderContext): string {
  if (items.length === 0) return `Operation ${operationId} has no checkpoints.`;
  const losses = lossColumns(items.map(({ metrics }) => metrics));
  const columns: Column[] = [
    { title: 'CHECKPOINT' },
    { title: 'KIND' },
    { title: 'EPOCH', align: 'right' },
    { title: 'STEP', align: 'right' },
    { title: 'SIZE', align: 'right' },
    ...losses.columns,
    { title: 'SAVED' },
    { title: '' },
  ];
  const rows = items.map((checkpoint) => [
    checkpoint.checkpoint_id,
    checkpoint.checkpoint_type,
    count(checkpoint.epoch),
    count(checkpoint.step),
    size(checkpoint.bytes),
    ...losses.cellsOf(checkpoint.metrics),
    age(checkpoint.created_at, context.now),
    marks(checkpoint),
  ]);
  return table(columns, rows, context.paint);
}

export function renderCheckpoint(checkpoint: CheckpointView, { paint, now }: RenderContext): string {
  const { checkpoint_id: id, files, stall_ms: stall, save_ms: saved, uploaded_bytes: uploaded } = checkpoint;
  const widest = Math.max(0, ...files.map(({ name }) => name.length));
  const rows: Row[] = [
    { label: 'operation', value: checkpoint.operation_id },
    { label: 'kind', value: [checkpoint.checkpoint_type, marks(checkpoint)].filter(Boolean).join(', ') },
    { label: 'at', value: `${position(checkpoint)}, attempt ${checkpoint.attempt}` },
    { label: 'saved', value: `${age(checkpoint.created_at, now)} (${checkpoint.created_at})` },
    {
      label: 'corrupted',
      value: checkpoint.corrupted_at && { text: `found ${age(checkpoint.corrupted_at, now)}`, tone: 'bad' },
    },
    { label: 'verified', value: checkpoint.verified_at && age(checkpoint.verified_at, now) },
    { label: 'metrics', value: renderMetrics(checkpoint.metrics) },
    { label: 'size', value: `${size(checkpoint.bytes)}${uploaded === null ? '' : `, ${size(uploaded)} of it new`}` },
    { label: 'cost', value: stall === null ? null : costOf(stall, saved) },
    {
      label: 'files',
      value: files.map((file) => `${file.name.padEnd(widest)}  ${size(file.bytes).padStart(8)}  ${identity(file)}`),
    },
    { label: 'manifest', value: checkpoint.manifest_sha256 },
    { label: 'parent', value: checkpoint.parent_id },
    { label: 'resume', value: checkpoint.resume_hint },
  ];
  return block(id, rows, paint);
}

/** What tells that a file is the same. */
export function identity({ sha256, parts = [] }: FileEntry): string {
  return sha256 ?? `in ${quantity(parts.length, 'part')}, each under its own SHA-256`;
}

export function renderVerified(verified: VerifyView, paint: Paint): string {
  const { checkpoint_id: id, valid: isValid, files_checked: files, bytes_hashed: bytes, bad_files: bad } = verified;
  const rows: Row[] = [
    { label: 'verdict', value: isValid ? { text: 'valid', tone: 'good' } : { text: 'corrupted', tone: 'bad' } },
    { label: 'checked', value: `${checkedFiles(files)}, ${size(bytes)} hashed` },
    { label: 'bad files', value: bad.map(({ name, problem, detail }) => `${name}  ${problem}  (${detail})`) },
  ];
  return block(id, rows, paint);
}

/** The API counts the manifest too; where that cannot be read, it is all that was checked. */
function checkedFiles(many: number): string {
  return many > 1 ? `${quantity(many - 1, 'file')} and the manifest` : 'the manifest';
}

export function renderPinned({ checkpoint_id: id, pinned }: CheckpointView): string {
  return pinned ? `${id} is pinned: retention keeps it.` : `${id} is not pinned: retention may remove it.`;
}

export function renderStats(stats: CheckpointStats, { paint, now }: RenderContext): string {
  const { count: many, logical_bytes: logical, stored_bytes: stored, oldest_at: oldest, operations } = stats;
  const saved = logical > 0 && stored < logical ? `, ${size(logical - stored)} saved by storing each blob once` : '';
  const head = block(
    'Checkpoints',
    [
      { label: 'count', value: count(many) },
      { label: 'size', value: size(logical) },
      { label: 'stored', value: `${size(stored)}${saved}` },
      { label: 'oldest', value: oldest && age(oldest, now) },
      { label: 'orphans', value: lastSweep(stats, now) },
    ],
    paint,
  );
  if (operations.length === 0) return head;
  const columns = [
    { title: 'OPERATION' },
    { title: 'COUNT', align: 'right' },
    { title: 'SIZE', align: 'right' },
  ] as const;
  const rows = operations.map(({ operation_id, count: each, bytes }) => [operation_id, count(each), size(bytes)]);
  return `${head}\n\n${table(columns, rows, paint)}`;
}

function lastSweep({ last_orphan_sweep: sweep }: CheckpointStats, now: Date): string | null {
  if (!sweep) return null;
  const when = age(sweep.at, now);
  if (sweep.skipped !== null) return `not looked for ${when}: ${sweep.skipped}`;
  const removed = `${quantity(sweep.manifests + sweep.blobs, 'object')} (${size(sweep.bytes)}) removed ${when}`;
  return `${removed}, ${count(sweep.younger_than_grace)} too young to tell`;
}

function marks({ is_latest, is_best, pinned, corrupted_at, superseded_at }: CheckpointView): string {
  return [
    is_latest && 'latest',
    is_best && 'best',
    pinned && 'pinned',
    corrupted_at && 'corrupted',
    superseded_at && 'superseded',
  ]
    .filter(Boolean)
    .join(', ');
}

function costOf(stallMs: number, saveMs: number | null): string {
  const save = saveMs === null ? '' : `, saved in ${duration(saveMs / 1000)}`;
  return `training stood still for ${count(stallMs)} ms${save}`;
}

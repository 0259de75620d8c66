import type {
  CheckpointPage,
  CheckpointStats,
  CheckpointView,
  FileEntry,
  OperationView,
  VerifyView,
} from '@ktrdr/contracts';
import { lossColumns } from './loss-columns.js';
import { fileLines, marksOf } from './words/checkpoint-facts.js';
import { bad, type Block, type Column, type Shown } from './words/parts.js';
import { age, count, duration, metricsText, position, quantity, size } from './words/units.js';

export function renderCheckpoints(operationId: string, { items }: CheckpointPage, now: Date): Shown {
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
  const cells = items.map((checkpoint) => [
    checkpoint.checkpoint_id,
    checkpoint.checkpoint_type,
    count(checkpoint.epoch),
    count(checkpoint.step),
    size(checkpoint.bytes),
    ...losses.cellsOf(checkpoint.metrics),
    age(checkpoint.created_at, now),
    marksOf(checkpoint),
  ]);
  return { columns, cells };
}

export function renderCheckpoint(checkpoint: CheckpointView, now: Date): Block {
  const { stall_ms: stall, save_ms: saved, uploaded_bytes: uploaded, corrupted_at: corruptedAt } = checkpoint;
  return {
    title: checkpoint.checkpoint_id,
    rows: [
      { label: 'operation', value: checkpoint.operation_id },
      { label: 'kind', value: [checkpoint.checkpoint_type, marksOf(checkpoint)].filter(Boolean).join(', ') },
      { label: 'at', value: `${position(checkpoint)}, attempt ${checkpoint.attempt}` },
      { label: 'saved', value: `${age(checkpoint.created_at, now)} (${checkpoint.created_at})` },
      { label: 'corrupted', value: corruptedAt && bad(`found ${age(corruptedAt, now)}`) },
      { label: 'verified', value: checkpoint.verified_at && age(checkpoint.verified_at, now) },
      { label: 'metrics', value: metricsText(checkpoint.metrics) },
      { label: 'size', value: `${size(checkpoint.bytes)}${uploaded === null ? '' : `, ${size(uploaded)} of it new`}` },
      { label: 'cost', value: stall === null ? null : costOf(stall, saved) },
      { label: 'files', value: fileLines(checkpoint.files) },
      { label: 'manifest', value: checkpoint.manifest_sha256 },
      { label: 'parent', value: checkpoint.parent_id },
      { label: 'resume', value: checkpoint.resume_hint },
    ],
  };
}

export function renderVerified({ checkpoint_id: id, valid: isValid, ...verified }: VerifyView): Block {
  const { files_checked: files, bytes_hashed: bytes, bad_files: badFiles } = verified;
  // The API counts the manifest too; where that cannot be read, it is all that was checked.
  const checked = files > 1 ? `${quantity(files - 1, 'file')} and the manifest` : 'the manifest';
  return {
    title: id,
    rows: [
      { label: 'verdict', value: isValid ? { text: 'valid', tone: 'good' } : bad('corrupted') },
      { label: 'checked', value: `${checked}, ${size(bytes)} hashed` },
      { label: 'bad files', value: badFiles.map(({ name, problem, detail }) => `${name}  ${problem}  (${detail})`) },
    ],
  };
}

export function renderPinned({ checkpoint_id: id, pinned }: CheckpointView): string {
  return pinned ? `${id} is pinned: retention keeps it.` : `${id} is not pinned: retention may remove it.`;
}

export function renderStats(stats: CheckpointStats, now: Date): Shown {
  const { count: many, logical_bytes: logical, stored_bytes: stored, oldest_at: oldest, operations } = stats;
  const saved = logical > 0 && stored < logical ? `, ${size(logical - stored)} saved by storing each blob once` : '';
  const summary: Block = {
    title: 'Checkpoints',
    rows: [
      { label: 'count', value: count(many) },
      { label: 'size', value: size(logical) },
      { label: 'stored', value: `${size(stored)}${saved}` },
      { label: 'oldest', value: oldest && age(oldest, now) },
      { label: 'orphans', value: lastSweep(stats, now) },
    ],
  };
  if (operations.length === 0) return summary;
  const columns = [
    { title: 'OPERATION' },
    { title: 'COUNT', align: 'right' },
    { title: 'SIZE', align: 'right' },
  ] as const;
  const cells = operations.map(({ operation_id, count: each, bytes }) => [operation_id, count(each), size(bytes)]);
  return [summary, '', { columns, cells }];
}

export function renderExported(checkpointId: string, directory: string, files: readonly FileEntry[]): Block {
  return {
    title: `Exported ${checkpointId}`,
    rows: [
      { label: 'folder', value: directory },
      { label: 'files', value: fileLines(files) },
      { label: 'import', value: `ktrdr checkpoints import ${directory}` },
    ],
  };
}

export function renderImported({ operation_id: id, status, progress, origin }: OperationView): Block {
  return {
    title: `Imported ${id}`,
    rows: [
      { label: 'status', value: status },
      { label: 'at', value: progress && position(progress) },
      { label: 'from', value: origin && `what was ${origin.operation_id}` },
      { label: 'resume', value: `ktrdr operations resume ${id}` },
    ],
  };
}

function lastSweep({ last_orphan_sweep: sweep }: CheckpointStats, now: Date): string | null {
  if (!sweep) return null;
  const when = age(sweep.at, now);
  if (sweep.skipped !== null) return `not looked for ${when}: ${sweep.skipped}`;
  const removed = `${quantity(sweep.manifests + sweep.blobs, 'object')} (${size(sweep.bytes)}) removed ${when}`;
  return `${removed}, ${count(sweep.younger_than_grace)} too young to judge`;
}

function costOf(stallMs: number, saveMs: number | null): string {
  const save = saveMs === null ? '' : `, saved in ${duration(saveMs / 1000)}`;
  return `training stood still for ${count(stallMs)} ms${save}`;
}

import type { FileEntry, OperationView } from '@ktrdr/contracts';
import { position } from './words/figures.js';
import { block } from './terminal/layout.js';
import type { Paint } from './terminal/paint.js';
import { size } from './words/units.js';

export function renderExported(
  exported: { readonly checkpointId: string; readonly directory: string; readonly files: readonly FileEntry[] },
  paint: Paint,
): string {
  const { checkpointId, directory, files } = exported;
  const widest = Math.max(0, ...files.map(({ name }) => name.length));
  return block(
    `Exported ${checkpointId}`,
    [
      { label: 'folder', value: directory },
      {
        label: 'files',
        value: files.map(({ name, bytes, sha256 }) => `${name.padEnd(widest)}  ${size(bytes).padStart(8)}  ${sha256}`),
      },
      { label: 'import', value: `ktrdr checkpoints import ${directory}` },
    ],
    paint,
  );
}

export function renderImported({ operation_id: id, status, progress, origin }: OperationView, paint: Paint): string {
  return block(
    `Imported ${id}`,
    [
      { label: 'status', value: status },
      { label: 'at', value: progress && position(progress) },
      { label: 'from', value: origin && `what was ${origin.operation_id}` },
      { label: 'resume', value: `ktrdr operations resume ${id}` },
    ],
    paint,
  );
}

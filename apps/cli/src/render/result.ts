import type { FileEntry, ResultView } from '@ktrdr/contracts';
import { block, type Row } from './terminal/layout.js';
import type { RenderContext } from './operation-detail.js';
import { identity } from './checkpoint.js';
import { withDamage } from './words/damage.js';
import { position } from './words/figures.js';
import { age, size } from './words/units.js';
import { valueLines } from './words/format-values.js';

/** What came of an operation, and where its files are or how to get them. */
export function renderResult(
  { operation_id: id, result, checkpoint, files }: ResultView,
  saved: readonly { readonly path: string; readonly bytes: number }[] | null,
  { paint, now }: RenderContext,
): string {
  const widest = Math.max(0, ...files.map(({ name }) => name.length));
  const line = (file: FileEntry) => `${file.name.padEnd(widest)}  ${size(file.bytes).padStart(8)}  ${identity(file)}`;
  const rows: Row[] = [
    { label: 'result', value: valueLines(result) },
    {
      label: 'checkpoint',
      value:
        checkpoint &&
        withDamage(
          `${checkpoint.checkpoint_id} (${position(checkpoint)}, ${age(checkpoint.created_at, now)})`,
          checkpoint,
          now,
        ),
    },
    { label: 'files', value: saved ? null : files.map(line) },
    { label: 'saved', value: saved?.map(({ path, bytes }) => `${path}  (${size(bytes)}, SHA-256 checked)`) },
    { label: 'download', value: saved || files.length === 0 ? null : `ktrdr operations result ${id} --output DIR` },
  ];
  return block(id, rows, paint);
}

import type { ResultView } from '@ktrdr/contracts';
import { fileLines, withDamage } from './words/checkpoint-facts.js';
import { formatValues } from './words/format-values.js';
import type { Block } from './words/parts.js';
import { age, position, size } from './words/units.js';

/** The result of an operation, and where its files are or how to get them. */
export function renderResult(
  { operation_id: id, result, checkpoint, files }: ResultView,
  saved: readonly { readonly path: string; readonly bytes: number }[] | null,
  now: Date,
): Block {
  const place =
    checkpoint && `${checkpoint.checkpoint_id} (${position(checkpoint)}, ${age(checkpoint.created_at, now)})`;
  return {
    title: id,
    rows: [
      { label: 'result', value: formatValues(result) },
      { label: 'checkpoint', value: checkpoint && withDamage(place ?? '', checkpoint, now) },
      { label: 'files', value: saved ? null : fileLines(files) },
      { label: 'saved', value: saved?.map(({ path, bytes }) => `${path}  (${size(bytes)}, SHA-256 checked)`) },
      { label: 'download', value: saved || files.length === 0 ? null : `ktrdr operations result ${id} --output DIR` },
    ],
  };
}

import type { CheckpointView, FileEntry } from '@ktrdr/contracts';
import { bad, type Cell } from './parts.js';
import { age, position, quantity, size } from './units.js';

type Place = Pick<CheckpointView, 'epoch' | 'step' | 'checkpoint_type' | 'created_at'>;

/** `epoch 3, step 1,400 (pause checkpoint of 2 minutes ago)`. */
export function placeOf(checkpoint: Place, now: Date): string {
  return `${position(checkpoint)} (${checkpoint.checkpoint_type} checkpoint of ${age(checkpoint.created_at, now)})`;
}

/** The text, and that the checkpoint is known to be damaged where it is. */
export function withDamage(
  text: string,
  { corrupted_at: foundAt }: { readonly corrupted_at: string | null },
  now: Date,
): Cell {
  return foundAt ? bad(`${text}, found corrupted ${age(foundAt, now)}`) : text;
}

export function marksOf({ is_latest, is_best, pinned, corrupted_at, superseded_at }: CheckpointView): string {
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

/** Name, size and identity of each file, aligned. */
export function fileLines(files: readonly FileEntry[]): string[] {
  const widest = Math.max(0, ...files.map(({ name }) => name.length));
  return files.map(({ name, bytes, sha256, parts = [] }) => {
    const identity = sha256 ?? `in ${quantity(parts.length, 'part')}, each under its own SHA-256`;
    return `${name.padEnd(widest)}  ${size(bytes).padStart(8)}  ${identity}`;
  });
}

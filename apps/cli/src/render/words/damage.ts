import type { Cell } from '../terminal/layout.js';
import { age } from './units.js';

/** What is said of a checkpoint, and that it is known to be damaged where it is. */
export function withDamage(
  text: string,
  { corrupted_at: foundAt }: { readonly corrupted_at: string | null },
  now: Date,
): Cell {
  return foundAt ? { text: `${text}, found corrupted ${age(foundAt, now)}`, tone: 'bad' } : text;
}

import type { CheckpointView, VerifyView } from '@ktrdr/contracts';
import { bad, type Line, oneLine } from './words/parts.js';
import { count, duration, quantity, size } from './words/units.js';

export type ListedCheckpoint = Pick<CheckpointView, 'checkpoint_id' | 'operation_id' | 'step'>;
type VerifiedCheckpoint = VerifyView & Pick<ListedCheckpoint, 'operation_id' | 'step'>;

/** One whose bytes could not be judged, and why. */
type UnverifiedCheckpoint = ListedCheckpoint & { readonly code: string; readonly detail: string };

/** Corrupted, or not verified. */
export type Unsound = VerifiedCheckpoint | UnverifiedCheckpoint;

/** The outcome of the verification of many, so far or in all. */
export interface Verification {
  readonly items: VerifiedCheckpoint[];
  readonly unverified: UnverifiedCheckpoint[];
  /** How many were deleted after they had been listed. */
  deleted: number;
  bytes_hashed: number;
}

/** `12 of 340 checkpoints verified, 1.40 GB hashed`. */
export function verificationSoFar(verification: Verification, listed: number | null): string {
  if (listed === null) return 'looking for checkpoints';
  const { items, unverified, deleted, bytes_hashed: bytes } = verification;
  const done = items.length + unverified.length + deleted;
  return `${count(done)} of ${quantity(listed, 'checkpoint')} verified, ${size(bytes)} hashed`;
}

export function renderUnsound(unsound: Unsound): Line {
  const { checkpoint_id: id, operation_id: operation, step } = unsound;
  const why =
    'code' in unsound
      ? `not verified: ${unsound.detail}`
      : `corrupted: ${unsound.bad_files.map(({ name, problem }) => `${name} (${problem})`).join(', ')}`;
  return { line: [bad(id), `step ${count(step)} of ${operation}`, oneLine(why)] };
}

/** `340 verified · 1 corrupted · 2 deleted meanwhile · 12.3 GB hashed in 2 min 5 s`. */
export function renderVerification(verification: Verification, seconds: number): string {
  const { items, unverified, deleted, bytes_hashed: bytes } = verification;
  const corrupted = items.filter(({ valid }) => !valid).length;
  return [
    `${quantity(items.length, 'checkpoint')} verified`,
    corrupted > 0 ? `${count(corrupted)} corrupted` : 'all valid',
    unverified.length > 0 ? `${count(unverified.length)} not verified` : null,
    deleted > 0 ? `${count(deleted)} deleted meanwhile` : null,
    `${size(bytes)} hashed in ${duration(seconds)}`,
  ]
    .filter(Boolean)
    .join(' · ');
}

import type { OperationView } from '@ktrdr/contracts';
import { withDamage } from './checkpoint-facts.js';
import type { Row } from './parts.js';
import { machineRows } from './machine.js';
import { age, duration, position } from './units.js';

export function isPaused({ status }: Pick<OperationView, 'status'>): boolean {
  return status === 'paused';
}

/** A pause: by whom, when, why, at which position, and what the machine was doing. */
export function pausedRows(operation: OperationView, now: Date): Row[] {
  if (!isPaused(operation)) return [];
  const { pause, paused, pauses, remaining } = operation;
  const last = pauses.at(-1);
  const by = pause?.requested_by ?? last?.actor;
  const at = paused?.paused_at ?? last?.paused_at ?? pause?.requested_at;
  const cause = pause?.cause ?? last?.cause;
  const reason = pause?.reason ?? last?.reason;
  return [
    { label: 'paused', value: [by && `by ${by}`, at && `${age(at, now)} (${at})`].filter(Boolean).join(', ') },
    { label: 'why', value: [cause, reason].filter(Boolean).join(': ') },
    { label: 'paused at', value: paused && position(paused) },
    { label: 'saved as', value: paused && withDamage(paused.checkpoint_id, paused, now) },
    { label: 'remaining', value: remainingText(paused?.remaining ?? remaining) },
    ...(paused ? machineRows(paused.snapshot) : []),
  ];
}

/** Pauses of the past, oldest first; the one in force is not of the past. */
export function earlierPauses(operation: OperationView, now: Date): string[] {
  const past = isPaused(operation) ? operation.pauses.slice(0, -1) : operation.pauses;
  return past.map(({ paused_at, actor, cause, reason, ...at }) => {
    const why = [cause, reason].filter(Boolean).join(': ');
    return `${age(paused_at, now)} at ${position(at)}, by ${actor}${why && ` (${why})`}`;
  });
}

/** The estimate and its method. */
export function remainingText(remaining: OperationView['remaining'] | undefined): string | null {
  return remaining ? `${duration(remaining.seconds)} (${remaining.method})` : null;
}

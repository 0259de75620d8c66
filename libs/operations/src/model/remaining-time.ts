import { clocksAt, type Operation } from './operation.js';

export interface RemainingTime {
  readonly seconds: number;
  /** How it was reckoned, in words. */
  readonly method: string;
}

/** How long it would still train, or null when nothing is known yet. */
export function remainingTime(operation: Operation, nowMs: number): RemainingTime | null {
  const { progress } = operation;
  if (!progress || progress.steps <= 0) return null;
  const left = Math.max(0, progress.steps - progress.step);
  const { activeMs } = clocksAt(operation, nowMs);
  if (progress.step <= 0 || activeMs <= 0) return null;
  return {
    seconds: (left * activeMs) / progress.step / 1000,
    method: 'active time per step so far, times the steps that remain',
  };
}

import type { OperationStatus } from '@ktrdr/operations/model';
import type { Cell } from '../terminal/layout.js';
import type { Tone } from '../terminal/paint.js';
import { ordinal } from './units.js';

const TONES: Readonly<Record<OperationStatus, Tone>> = {
  queued: 'waiting',
  running: 'busy',
  pausing: 'waiting',
  paused: 'waiting',
  resuming: 'waiting',
  cancelling: 'waiting',
  cancelled: 'label',
  completed: 'good',
  failed: 'bad',
};

function toneOf(status: OperationStatus): Tone {
  return TONES[status];
}

export function statusCell(status: OperationStatus, queuePosition: number | null = null): Cell {
  const text = queuePosition === null ? status : `${status} (${ordinal(queuePosition)} in queue)`;
  return { text, tone: toneOf(status) };
}

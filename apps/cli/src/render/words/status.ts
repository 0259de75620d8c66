import type { OperationView, WorkerView } from '@ktrdr/contracts';
import type { OperationStatus } from '@ktrdr/operations/model';
import type { Cell, Row, Tone } from './parts.js';
import { ordinal } from './units.js';

const OF_OPERATION: Readonly<Record<OperationStatus, Tone>> = {
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

const OF_WORKER: Readonly<Record<WorkerView['status'], Tone>> = {
  available: 'good',
  busy: 'busy',
  draining: 'waiting',
  quarantined: 'bad',
  unreachable: 'bad',
  removed: 'label',
};

export function statusCell(status: OperationStatus, queuePosition: number | null = null): Cell {
  const text = queuePosition === null ? status : `${status} (${ordinal(queuePosition)} in queue)`;
  return { text, tone: OF_OPERATION[status] };
}

export function workerStatusCell(status: WorkerView['status']): Cell {
  return { text: status, tone: OF_WORKER[status] };
}

/** No worker fits the operation now, and where to look. */
export function unschedulableRows(reason: OperationView['unschedulable']): Row[] {
  if (!reason) return [];
  return [
    { label: 'waits', value: { text: `${reason.message}; it waits until there is one`, tone: 'waiting' } },
    { label: 'workers', value: 'ktrdr workers' },
  ];
}

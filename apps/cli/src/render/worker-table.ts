import type { WorkerPage, WorkerView } from '@ktrdr/contracts';
import { block, table } from './terminal/layout.js';
import type { RenderContext } from './operation-detail.js';
import type { Paint, Tone } from './terminal/paint.js';
import { age } from './words/units.js';

const TONES: Readonly<Record<WorkerView['status'], Tone>> = {
  available: 'good',
  busy: 'busy',
  draining: 'waiting',
  quarantined: 'bad',
  unreachable: 'bad',
  removed: 'label',
};

export function renderWorkers({ items }: WorkerPage, { paint, now }: RenderContext): string {
  if (items.length === 0) return 'There are no workers: operations wait in the queue until one starts.';
  const columns = [
    { title: 'WORKER' },
    { title: 'STATUS' },
    { title: 'POOL' },
    { title: 'FREE', align: 'right' },
    { title: 'HOST' },
    { title: 'SEEN' },
    { title: 'OPERATIONS' },
  ] as const;
  const rows = items.map((worker) => [
    worker.worker_id,
    { text: worker.status, tone: TONES[worker.status] },
    worker.pool,
    `${worker.free_slots}/${worker.slots}`,
    `${worker.host}:${worker.pid}`,
    age(worker.last_seen_at, now),
    worker.operations.join(' '),
  ]);
  return table(columns, rows, paint);
}

/** The answer to a drain. What the worker still holds, it hands over as soon as a checkpoint is saved. */
export function renderDrained(
  { worker_id: id, status, operations }: WorkerView,
  { paint, isEnd }: { readonly paint: Paint; readonly isEnd: boolean },
): string {
  return block(
    isEnd ? `Takes work again: ${id}` : `Drains ${id}`,
    [
      { label: 'status', value: { text: status, tone: TONES[status] } },
      { label: 'holds', value: operations.length > 0 || isEnd ? operations : 'nothing' },
      { label: 'workers', value: 'ktrdr workers' },
    ],
    paint,
  );
}

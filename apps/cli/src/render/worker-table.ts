import type { WorkerPage, WorkerView } from '@ktrdr/contracts';
import { table } from './layout.js';
import type { RenderContext } from './operation-detail.js';
import type { Tone } from './paint.js';
import { age } from './units.js';

const TONES: Readonly<Record<WorkerView['status'], Tone>> = {
  available: 'good',
  busy: 'busy',
  draining: 'waiting',
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

import type { EnrolmentCreatedView, IdentityView, WorkerPage, WorkerView } from '@ktrdr/contracts';
import type { Block, Shown } from './words/parts.js';
import { workerStatusCell } from './words/status.js';
import { age } from './words/units.js';

export function renderWorkers({ items }: WorkerPage, now: Date): Shown {
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
  const cells = items.map((worker) => [
    worker.worker_id,
    workerStatusCell(worker.status),
    worker.pool,
    `${worker.free_slots}/${worker.slots}`,
    `${worker.host}:${worker.pid}`,
    age(worker.last_seen_at, now),
    worker.operations.join(' '),
  ]);
  return { columns, cells };
}

/** The reply to a drain. The worker hands over what it still holds as soon as a checkpoint is saved. */
export function renderDrained(
  { worker_id: id, status, operations }: WorkerView,
  { isEnd }: { readonly isEnd: boolean },
): Block {
  return {
    title: isEnd ? `Takes work again: ${id}` : `Drains ${id}`,
    rows: [
      { label: 'status', value: workerStatusCell(status) },
      { label: 'holds', value: operations.length > 0 || isEnd ? operations : 'nothing' },
      { label: 'workers', value: 'ktrdr workers' },
    ],
  };
}

/** The one time that the token is shown. */
export function renderEnrolment({ pool, uses, ...enrolment }: EnrolmentCreatedView, apiUrl: string): Shown {
  const block: Block = {
    title: uses === 1 ? `Enrols one worker of the pool ${pool}` : `Enrols ${uses} workers of the pool ${pool}`,
    rows: [
      { label: 'token', value: enrolment.token },
      { label: 'worker', value: enrolment.worker_id },
      { label: 'until', value: enrolment.expires_at },
      { label: 'set', value: [`KTRDR_API_URL=${apiUrl}`, 'KTRDR_ENROL_TOKEN_FILE=a file with the token'] },
    ],
  };
  return [block, 'The token is shown only once. An enrolled worker needs it no more.'];
}

export function renderRevoked({ worker_id, nkey }: IdentityView): Block {
  return {
    title: `Revoked ${worker_id}`,
    rows: [
      { label: 'key', value: nkey },
      { label: 'then', value: 'its operations go on elsewhere when its leases have run out' },
      { label: 'back', value: 'remove its identity.nk, then: ktrdr workers enrol' },
    ],
  };
}

import type { Operation } from '../model/operation.js';
import type { Reason } from '../model/suggestion.js';

/** A worker as its heartbeats and its operator describe it. */
export interface KnownWorker {
  readonly id: string;
  readonly pool: string;
  readonly capabilities: readonly string[];
  readonly freeSlots: number;
  readonly draining: boolean;
  readonly isQuarantined: boolean;
  /** Since its last heartbeat. */
  readonly silentMs: number;
}

/** The workers of a pool whose heartbeats came within a lease. */
export function liveWorkers<Worker extends KnownWorker>(
  workers: readonly Worker[],
  pool: string,
  leaseMs: number,
): readonly Worker[] {
  return workers.filter((worker) => worker.pool === pool && worker.silentMs < leaseMs);
}

type LiveWorker = Pick<KnownWorker, 'capabilities'>;
type Standing = Pick<KnownWorker, 'draining' | 'isQuarantined'>;

export const takesWork = ({ draining, isQuarantined }: Standing): boolean => !draining && !isQuarantined;

/** What a worker would have to offer. */
export type Wanted = Pick<Operation, 'pool' | 'requirements'>;

/** What a worker can be given, and how. */
const BUILT_BY: Readonly<Record<string, string>> = {
  'backend:tfjs-node': 'npm run backend:native',
  'backend:tfjs-node-gpu': 'npm run backend:native -- --gpu',
};

/** Of the workers of its pool those that can take it, busy or not. */
export function fittingWorkers<Worker extends LiveWorker>(
  { requirements }: Pick<Wanted, 'requirements'>,
  workers: readonly Worker[],
): readonly Worker[] {
  return workers.filter((worker) => missingTags(requirements, worker).length === 0);
}

/** What the workers of its pool do not offer, where that is why none of them can take it. */
export function missingCapabilities({ requirements }: Wanted, workers: readonly LiveWorker[]): readonly string[] {
  if (fittingWorkers({ requirements }, workers).length > 0) return [];
  return [...new Set(workers.flatMap((worker) => missingTags(requirements, worker)))];
}

/** Why no live worker of its pool can take it; null: one can, now or once it is free. */
export function whyUnschedulable(wanted: Wanted, workers: readonly (LiveWorker & Standing)[]): Reason | null {
  const { pool } = wanted;
  if (workers.length === 0)
    return { code: 'no-worker-alive', message: `no worker of pool ${pool} is alive`, details: { pool } };
  const fitting = fittingWorkers(wanted, workers);
  if (fitting.some(takesWork)) return null;
  if (fitting.length > 0) {
    const quarantined = fitting.filter(({ isQuarantined }) => isQuarantined).length;
    const draining = fitting.length - quarantined;
    const them = [many(quarantined, 'quarantined'), many(draining, 'draining')].filter(Boolean).join(', ');
    return {
      code: 'workers-unavailable',
      message: `no fitting worker of pool ${pool} takes new work (${them})`,
      details: { pool, draining, quarantined },
    };
  }
  const alive = workers.length === 1 ? '1 worker is' : `${workers.length} workers are`;
  const missing = missingCapabilities(wanted, workers);
  return {
    code: 'capability-missing',
    message: `${alive} alive in pool ${pool}, but none offers ${missing.map(withCommand).join(', ')}`,
    details: { pool, workers: workers.length, missing },
  };
}

function many(count: number, what: string): string {
  if (count === 0) return '';
  return count === 1 ? `1 is ${what}` : `${count} are ${what}`;
}

function withCommand(tag: string): string {
  const command = BUILT_BY[tag];
  return command === undefined ? tag : `${tag} (built on a worker with ${command})`;
}

function missingTags(requirements: readonly string[], { capabilities }: LiveWorker): readonly string[] {
  return requirements.filter((tag) => !capabilities.includes(tag));
}

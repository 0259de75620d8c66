import { randomUUID } from 'node:crypto';
import { HintListener, WorkerRpcClient } from '@ktrdr/messaging-nats';
import type { HttpClient } from './http-client.js';
import { inParallel } from './in-parallel.js';
import { startGraphileDrain } from './reference/graphile-reference.js';
import type { BenchServices } from './services.js';
import { SIMULATED_SPEC } from './simulated-worker.js';

/** That submit at the same time. */
export const CLIENTS = 16;
const ASK = { timeoutMs: 10_000 };

/** Milliseconds an operation takes, of those that are submitted at once. */
export type Drain = (operations: number) => Promise<number>;

interface NoOpWorker {
  readonly pool: string;
  readonly slots: number;
  readonly onClaimed?: () => void;
  readonly onCompleted?: () => void;
}

/**
 * A worker whose operations are over as soon as it has them. It does what a worker does around the training: it waits
 * for hints where there is nothing to claim, claims, and reports the completion.
 */
export async function startNoOpWorker(services: BenchServices, { pool, slots, ...on }: NoOpWorker): Promise<void> {
  const worker = { worker_id: `no-op-${pool}`, pool };
  const session = await services.workerSession(await services.workerUser(worker.worker_id, pool));
  const rpc = new WorkerRpcClient(session);
  const capabilities = ['type:data_generation'];
  const details = { version: '0', host: 'localhost', pid: process.pid, slots, capabilities, leases: [] };
  await rpc.call('register', { ...worker, ...details }, ASK);
  const end = new AbortController();
  const hints = new HintListener(session);
  /** Until a hint comes, or a heartbeat would say that work waits. */
  const hinted = (): Promise<void> =>
    new Promise((resolve) => {
      const over = (): void => {
        clearTimeout(timer);
        stop();
        end.signal.removeEventListener('abort', over);
        resolve();
      };
      const stop = hints.onWork(pool, over);
      const timer = setTimeout(over, 1_000);
      end.signal.addEventListener('abort', over, { once: true });
    });
  const slot = async (): Promise<void> => {
    while (!end.signal.aborted) {
      const { operation } = await rpc.call('claim', { ...worker, claim_id: randomUUID(), capabilities }, ASK);
      if (operation) {
        on.onClaimed?.();
        const { operation_id, attempt, worker_id } = operation;
        const lease = { operation_id, attempt, worker_id };
        await rpc.call('completed', { ...lease, step: 0, epoch: 0, checkpoint_id: null, result: {} }, ASK);
        on.onCompleted?.();
      } else await hinted();
    }
  };
  const running = Promise.all(Array.from({ length: slots }, slot));
  running.catch(() => undefined); // the bench then waits in vain, until a part is said to be broken
  services.onClose(async () => {
    end.abort();
    await running;
  });
}

/** Resolves once `count` has been called `goal` times. */
export function countTo(goal: number): Readonly<{ count: () => void; reached: Promise<void> }> {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  let left = goal;
  return { count: () => ((left -= 1) === 0 ? resolve() : undefined), reached };
}

/** From the first submission until the last one is completed, in the slots of one worker. */
export async function noOpDrain(services: BenchServices, slots: number): Promise<Drain> {
  const http = services.client(CLIENTS);
  const pool = `drain-${slots}`;
  let onCompleted: () => void = () => undefined;
  await startNoOpWorker(services, { pool, slots, onCompleted: () => onCompleted() });
  return async (operations) => {
    const { count, reached } = countTo(operations);
    onCompleted = count;
    const startedAt = performance.now();
    await submitNoOps(http, pool, operations);
    await reached;
    return (performance.now() - startedAt) / operations;
  };
}

/** Submits `count` operations from 16 clients. */
export async function submitNoOps(http: HttpClient, pool: string, count: number): Promise<void> {
  await inParallel(Array(count).fill(0), CLIENTS, () =>
    http.expect(201, http.post('/operations', { pool, ...SIMULATED_SPEC })),
  );
}

/** The same of graphile-worker. */
export async function graphileDrain(services: BenchServices, slots: number): Promise<Drain> {
  const peer = await startGraphileDrain(services, slots);
  return async (operations) => {
    const startedAt = performance.now();
    const drained = peer.drained(operations);
    await inParallel(Array(operations).fill(0), CLIENTS, () => peer.add());
    await drained;
    return (performance.now() - startedAt) / operations;
  };
}

import { randomUUID } from 'node:crypto';
import { inRepository } from '#tools/repository.js';
import { HintListener, WorkerRpcClient } from '@ktrdr/messaging-nats';
import type { Bench, BenchContext } from '../bench.js';
import { beside } from '../beside.js';
import { inParallel } from '../in-parallel.js';
import { CHECKOUT_REFERENCE, figureOf } from '../reference/checkout-reference.js';
import { GRAPHILE_DRAIN, startGraphileDrain } from '../reference/graphile-reference.js';
import type { BenchServices } from '../services.js';
import { SIMULATED_SPEC } from '../simulated-worker.js';

const SLOTS = 8;
const CLIENTS = 16;
const OPERATIONS = 500;
const ROUNDS = 5;
const POOL = 'dispatch';
const ASK = { timeoutMs: 10_000 };

/**
 * A worker whose operations are over as soon as it has them. It does what a worker does around the training: it waits
 * for hints where there is nothing to claim, claims, and reports the completion.
 */
async function startNoOpWorker(services: BenchServices, onCompleted: () => void) {
  const worker = { worker_id: 'bench-no-op', pool: POOL };
  const session = await services.workerSession(await services.workerUser(worker.worker_id, worker.pool));
  const rpc = new WorkerRpcClient(session);
  const capabilities = ['type:data_generation'];
  const details = { version: '0', host: 'localhost', pid: process.pid, slots: SLOTS, capabilities, leases: [] };
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
      const stop = hints.onWork(POOL, over);
      const timer = setTimeout(over, 1_000);
      end.signal.addEventListener('abort', over, { once: true });
    });
  const slot = async (): Promise<void> => {
    while (!end.signal.aborted) {
      const { operation } = await rpc.call('claim', { ...worker, claim_id: randomUUID(), capabilities }, ASK);
      if (operation) {
        const { operation_id, attempt, worker_id } = operation;
        const lease = { operation_id, attempt, worker_id };
        await rpc.call('completed', { ...lease, step: 0, epoch: 0, checkpoint_id: null, result: {} }, ASK);
        onCompleted();
      } else await hinted();
    }
  };
  const slots = Promise.all(Array.from({ length: SLOTS }, slot));
  slots.catch(() => undefined); // the bench then waits in vain, until a part is said to be broken
  services.onClose(async () => {
    end.abort();
    await slots;
  });
}

type Measure = () => Promise<number>;

/** Milliseconds an operation, from the first submission until the last one is completed. */
async function ownMeasure({ services }: BenchContext): Promise<Measure> {
  const http = services.client(CLIENTS);
  let completed = 0;
  let onCompleted: () => void = () => undefined;
  await startNoOpWorker(services, () => {
    completed += 1;
    onCompleted();
  });
  return async () => {
    const goal = completed + OPERATIONS;
    const done = new Promise<void>((resolve) => {
      onCompleted = () => completed >= goal && resolve();
    });
    const startedAt = performance.now();
    await inParallel(Array(OPERATIONS).fill(0), CLIENTS, () =>
      http.expect(201, http.post('/operations', { pool: POOL, ...SIMULATED_SPEC })),
    );
    await done;
    return (performance.now() - startedAt) / OPERATIONS;
  };
}

async function graphileMeasure({ services }: BenchContext): Promise<Measure> {
  const peer = await startGraphileDrain(services, SLOTS);
  return async () => {
    const startedAt = performance.now();
    const drained = peer.drained(OPERATIONS);
    await inParallel(Array(OPERATIONS).fill(0), CLIENTS, () => peer.add());
    await drained;
    return (performance.now() - startedAt) / OPERATIONS;
  };
}

const FIGURE = 'one no-op operation, submitted to completed';
const CHECKOUT_ROUNDS = 4;

/** The same bench in both checkouts, in turn, each with a stack of its own. */
async function besideCheckout(reference: string) {
  const measureIn = (checkout: string) => () => figureOf(checkout, 'dispatch', FIGURE);
  const measured = await beside(
    { own: measureIn(inRepository()), reference: measureIn(reference) },
    { rounds: CHECKOUT_ROUNDS, warmUps: 0 },
  );
  return {
    figure: `${FIGURE}, beside it`,
    value: measured.own,
    unit: 'ms',
    reference: { name: CHECKOUT_REFERENCE, value: measured.reference },
    bar: { of: 'ratio', is: '<=', limit: 1.05 },
  } as const;
}

/** What the service itself costs an operation: from its submission over its claim to its completion, with no training. */
export const dispatch: Bench = {
  name: 'dispatch',
  async run(context) {
    const [own, reference] = [await ownMeasure(context), await graphileMeasure(context)];
    const measured = await beside({ own, reference }, { rounds: ROUNDS });
    const perSecond = (ms: number) => (1000 / ms).toFixed(0);
    context.say(
      `${OPERATIONS} operations submitted by ${CLIENTS} clients and completed in ${SLOTS} slots, ${ROUNDS} times: ` +
        `${perSecond(measured.own)}/s, the reference ${perSecond(measured.reference)}/s`,
    );
    return [
      {
        figure: FIGURE,
        value: measured.own,
        unit: 'ms',
        reference: { name: GRAPHILE_DRAIN, value: measured.reference },
        // Half as many a second.
        bar: { of: 'ratio', is: '<=', limit: 2 },
      },
      ...(context.reference === undefined ? [] : [await besideCheckout(context.reference)]),
    ];
  },
};

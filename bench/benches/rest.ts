import { setTimeout as delay } from 'node:timers/promises';
import { inRepository } from '#tools/repository.js';
import type { Bench } from '../bench.js';
import { processorMs } from '../process-usage.js';
import { CHECKOUT_REFERENCE, startStackOf } from '../reference/checkout-reference.js';

const SETTLE_MS = 15_000;
const REST_MS = 60_000;

/** Processor time of an API that has nothing to do: one idle worker, no client, no operation. Both rest in the same minute. */
export const rest: Bench = {
  name: 'rest',
  async run({ services, reference }) {
    const checkouts = [['own', inRepository()] as const, ...(reference ? [['reference', reference] as const] : [])];
    const pids: number[] = [];
    for (const [name, checkout] of checkouts) pids.push((await startStackOf(checkout, name, services)).apiPid);
    await delay(SETTLE_MS);
    const before = await Promise.all(pids.map(processorMs));
    await delay(REST_MS);
    const after = await Promise.all(pids.map(processorMs));
    const [own = 0, other] = after.map((ms, index) => ms - (before[index] ?? 0));
    const measured = { figure: 'processor time of the API in 60 s', value: own, unit: 'ms' };
    if (other === undefined) return [measured];
    const bar = { of: 'ratio', is: '<=', limit: 0.6 } as const;
    return [{ ...measured, reference: { name: CHECKOUT_REFERENCE, value: other }, bar }];
  },
};

import { inRepository } from '#tools/repository.js';
import type { Bench } from '../bench.js';
import { beside } from '../beside.js';
import { CLIENTS, graphileDrain, noOpDrain } from '../no-op-worker.js';
import { CHECKOUT_REFERENCE, figureOf } from '../reference/checkout-reference.js';
import { GRAPHILE_DRAIN } from '../reference/graphile-reference.js';

const SLOTS = 8;
const OPERATIONS = 500;
const ROUNDS = 5;

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
    const { services } = context;
    const [own, reference] = [await noOpDrain(services, SLOTS), await graphileDrain(services, SLOTS)];
    const drained = { own: () => own(OPERATIONS), reference: () => reference(OPERATIONS) };
    const measured = await beside(drained, { rounds: ROUNDS });
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

import * as tf from '@tensorflow/tfjs-core';
import type { Bench } from '../bench.js';
import { beside, timed } from '../beside.js';
import { givenRun, MEGABYTE } from '../training-state.js';

/** A copy of a few milliseconds differs by as much from one time to the next, so the short ones are made more often. */
const ROUNDS = new Map([
  [1, 101],
  [16, 51],
  [128, 15],
]);

/** How long training stands still for a save, against copying the same tensors out and doing nothing else. */
export const saveStall: Bench = {
  name: 'save-stall',
  async run({ say }) {
    const figures = [];
    for (const [megabytes, rounds] of ROUNDS) {
      const { run } = await givenRun(megabytes * MEGABYTE);
      const variables = Object.values(tf.engine().registeredVariables);
      // WebAssembly gives out a copy of its memory: this is copying out.
      const copyOut = () => variables.map((variable) => variable.dataSync());
      const measured = await beside(
        { own: () => timed(() => run.capture()), reference: () => timed(copyOut) },
        { rounds },
      );
      run.dispose();
      say(`${megabytes} MB in ${variables.length} tensors`);
      figures.push({
        figure: `${megabytes} MB, training stands still`,
        value: measured.own,
        unit: 'ms',
        reference: { name: 'tensors copied out', value: measured.reference },
        bar: { of: 'ratio', is: '<=', limit: 1.5 },
      } as const);
    }
    return figures;
  },
};

import * as tf from '@tensorflow/tfjs-core';
import { rehearse } from './rehearsal.js';
import { findBackends } from './tensorflow/find-backends.js';

describe('the rehearsal', () => {
  it('leaves no tensor behind', async () => {
    const backends = await findBackends();
    await rehearse(backends);
    const { numTensors } = tf.memory();
    await rehearse(backends);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('fails with a reason where no backend is usable', async () => {
    await expect(rehearse([{ name: 'wasm', usable: false, problem: 'it does not load' }])).rejects.toMatchObject({
      code: 'backend-unavailable',
    });
  });
});

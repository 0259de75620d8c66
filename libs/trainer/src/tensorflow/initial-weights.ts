import { keyedRandom, uniformValues } from '../keyed-random.js';

/**
 * First values of a weight, a function of the seed and the weight's name; null where the layer's constant is right
 * (biases, scales and statistics of batch normalisation).
 * Dense and LSTM input kernels: Glorot and Bengio 2010, uniform. LSTM recurrent kernels: uniform in ±1/√units, as in
 * PyTorch. LSTM biases: zero, the forget gate's one (Jozefowicz et al. 2015).
 */
export function initialWeight(name: string, shape: readonly number[], seed: number): Float32Array | null {
  const [rows = 1, columns = 1] = shape;
  const random = keyedRandom(seed, 'initial-weights', name);
  const isLstm = /_lstm\//.test(name);
  if (name.endsWith('/recurrent_kernel')) return uniformValues(random, rows * columns, 1 / Math.sqrt(rows));
  if (name.endsWith('/kernel')) {
    const fanOut = isLstm ? columns / 4 : columns;
    return uniformValues(random, rows * columns, Math.sqrt(6 / (rows + fanOut)));
  }
  if (isLstm && name.endsWith('/bias')) {
    const units = rows / 4; // gates in the order input, forget, cell, output
    return Float32Array.from({ length: rows }, (_, index) => (index >= units && index < 2 * units ? 1 : 0));
  }
  return null;
}

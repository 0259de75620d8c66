import type { LayerSpec } from '@ktrdr/specs';

/** How much arithmetic one step is. */
export interface ModelSize {
  /** Of the forward pass, for one batch. */
  readonly multiplyAdds: number;
  /** Layers that multiply, one after the other; an LSTM counts once for each of its days. */
  readonly products: number;
}

interface ModelShape {
  readonly layers: readonly LayerSpec[];
  readonly window: number;
  readonly features: number;
  readonly batchSize: number;
}

/** Counts the model of a spec, its output layer included. */
export function modelSize({ layers, window, features, batchSize }: ModelShape): ModelSize {
  let width = features;
  let days = window;
  let perSample = 0;
  let products = 0;
  const flatten = (): void => {
    width *= days;
    days = 1;
  };
  const dense = (units: number): void => {
    flatten();
    perSample += width * units;
    products += 1;
    width = units;
  };
  for (const layer of layers) {
    if (layer.kind === 'flatten') flatten();
    else if (layer.kind === 'dense') dense(layer.units);
    else if (layer.kind === 'lstm') {
      perSample += days * (width + layer.units) * 4 * layer.units;
      products += days;
      width = layer.units;
      if (!layer.return_sequences) days = 1;
    }
  }
  dense(1);
  return { multiplyAdds: perSample * batchSize, products };
}

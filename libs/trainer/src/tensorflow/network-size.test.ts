import { TrainingSpec } from '@ktrdr/specs';
import { modelSize } from './network.js';

const layersOf = (layers: readonly unknown[]) => TrainingSpec.shape.model.parse({ layers }).layers;

describe('the size of a model', () => {
  it('counts what dense layers multiply, the output included', () => {
    const layers = layersOf([{ kind: 'dense', units: 64 }, { kind: 'batch-norm' }, { kind: 'dense', units: 32 }]);
    expect(modelSize({ layers, window: 1, features: 11, batchSize: 32 })).toEqual({
      multiplyAdds: 32 * (11 * 64 + 64 * 32 + 32),
      products: 3,
    });
  });

  it('counts an LSTM once a day, and only the last day where it returns no sequence', () => {
    const layers = layersOf([
      { kind: 'lstm', units: 8, return_sequences: true },
      { kind: 'dropout', rate: 0.2 },
      { kind: 'lstm', units: 4 },
      { kind: 'dense', units: 2 },
    ]);
    const perDay = (5 + 8) * 4 * 8 + (8 + 4) * 4 * 4;
    expect(modelSize({ layers, window: 20, features: 5, batchSize: 1 })).toEqual({
      multiplyAdds: 20 * perDay + 4 * 2 + 2,
      products: 42,
    });
  });

  it('takes all days of a window into a dense layer', () => {
    for (const layers of [
      layersOf([{ kind: 'dense', units: 2 }]),
      layersOf([{ kind: 'flatten' }, { kind: 'dense', units: 2 }]),
    ])
      expect(modelSize({ layers, window: 10, features: 3, batchSize: 2 }).multiplyAdds).toBe(2 * (30 * 2 + 2));
  });
});

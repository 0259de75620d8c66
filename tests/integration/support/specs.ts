/** A spec that trains in a second or two: real data, few steps. */
export function smallSpec(overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    version: 1,
    data: { source: 'dataset:sp500' },
    features: [
      { kind: 'return', period: 1 },
      { kind: 'rsi', period: 14 },
      { kind: 'sma-ratio', period: 20 },
    ],
    label: { kind: 'direction', horizon: 5 },
    model: {
      layers: [
        { kind: 'dense', units: 16, activation: 'relu' },
        { kind: 'dropout', rate: 0.2 },
      ],
    },
    optimizer: { kind: 'adam', learning_rate: 0.003 },
    epochs: 4,
    batch_size: 128,
    seed: 7,
    backend: 'wasm',
    checkpoint: { every_epochs: 1 },
    ...overrides,
  };
}

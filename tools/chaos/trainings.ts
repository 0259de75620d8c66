/** One kind of training: real data, real layers, everything that could come out differently after a resume. */
export interface Training {
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

const BASE = {
  version: 1,
  data: { source: 'dataset:sp500' },
  features: [
    { kind: 'return', period: 1 },
    { kind: 'rsi', period: 14 },
    { kind: 'sma-ratio', period: 20 },
    { kind: 'volatility', period: 20 },
  ],
  label: { kind: 'direction', horizon: 5 },
  backend: 'wasm',
};

const TRAININGS: readonly Training[] = [
  {
    name: 'dense, dropout, Adam',
    spec: {
      ...BASE,
      model: {
        layers: [
          { kind: 'dense', units: 32, activation: 'relu', l2: 0.001 },
          { kind: 'dropout', rate: 0.3 },
          { kind: 'dense', units: 16, activation: 'tanh' },
        ],
      },
      optimizer: { kind: 'adam', learning_rate: 0.003 },
      batch_size: 64,
      seed: 11,
      checkpoint: { every_epochs: 1 },
    },
  },
  {
    name: 'LSTM, dropout, RMSProp',
    spec: {
      ...BASE,
      window: 10,
      model: {
        layers: [
          { kind: 'lstm', units: 8 },
          { kind: 'dropout', rate: 0.2 },
          { kind: 'dense', units: 8, activation: 'relu' },
        ],
      },
      optimizer: { kind: 'rmsprop', learning_rate: 0.002 },
      schedule: { kind: 'plateau', patience: 2 },
      batch_size: 256,
      seed: 12,
      checkpoint: { every_steps: 7 },
    },
  },
  {
    name: 'dense, batch norm, momentum',
    spec: {
      ...BASE,
      model: {
        layers: [
          { kind: 'dense', units: 24, activation: 'relu' },
          { kind: 'batch-norm' },
          { kind: 'dropout', rate: 0.4 },
          { kind: 'dense', units: 12, activation: 'elu' },
        ],
      },
      optimizer: { kind: 'momentum', learning_rate: 0.01, nesterov: true },
      schedule: { kind: 'cosine' },
      batch_size: 128,
      seed: 13,
      checkpoint: { every_seconds: 0.7 },
    },
  },
  {
    name: 'two LSTMs, Adam',
    spec: {
      ...BASE,
      window: 6,
      model: {
        layers: [
          { kind: 'lstm', units: 6, return_sequences: true },
          { kind: 'dropout', rate: 0.1 },
          { kind: 'lstm', units: 4 },
        ],
      },
      optimizer: { kind: 'adam', learning_rate: 0.004 },
      schedule: { kind: 'step', every_epochs: 3 },
      batch_size: 256,
      seed: 14,
      checkpoint: { every_epochs: 1, every_steps: 5 },
    },
  },
];

/** As many kinds as there are operations to spread over them. */
export function trainingsFor(operations: number): readonly Training[] {
  return TRAININGS.slice(0, Math.max(1, Math.min(TRAININGS.length, Math.floor(operations / 2))));
}

export function withEpochs({ name, spec }: Training, epochs: number): Training {
  return { name, spec: { ...spec, epochs } };
}

/** Share of the workers' time that is left for training when they are disturbed as often as they are here. */
const USEFUL_SHARE = 0.6;
const SHORTEST_SECONDS = 2;

/** How long one training should take undisturbed, so that all of them together last as long as the faults. */
export function secondsEach({
  seconds,
  workers,
  operations,
}: Readonly<Record<'seconds' | 'workers' | 'operations', number>>) {
  return Math.max(SHORTEST_SECONDS, (seconds * workers * USEFUL_SHARE) / operations);
}

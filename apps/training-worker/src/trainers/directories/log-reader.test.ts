import { LogReader } from './log-reader.js';

const reader = new LogReader([
  'epoch (?<epoch>\\d+)/(?<epochs>\\d+) val_loss=(?<val_loss>\\S+)',
  'step (?<step>[\\d,]+)(?:/(?<steps>\\d+))?(?: loss (?<loss>\\S+))?(?: (?<examples_per_second>\\S+) ex/s)?',
]);

describe('a log reader', () => {
  it.each([
    ['[12:00] step 1,234/5000 loss 0.25 310.5 ex/s', { step: 1_234, steps: 5_000 }, 0.25, 310.5, {}],
    ['step 7', { step: 7 }, null, null, {}],
    ['step 8 loss nan', { step: 8 }, 'NaN', null, {}],
    ['step 9 loss -Inf', { step: 9 }, '-Infinity', null, {}],
    ['step 9 loss 2.5e-3', { step: 9 }, 0.0025, null, {}],
    ['epoch 3/10 val_loss=0.5', { epoch: 3, epochs: 10 }, null, null, { val_loss: 0.5 }],
  ])('reads %j', (line, position, loss, examplesPerSecond, metrics) => {
    expect(reader.read(line)).toEqual({ position, loss, examplesPerSecond, metrics });
  });

  it.each(['', 'nothing of interest', 'step', 'x'.repeat(5_000) + ' step 4'])('leaves %.20j alone', (line) => {
    expect(reader.read(line)).toBeNull();
  });

  it('takes no number from what is none', () => {
    expect(new LogReader(['step=(?<step>\\S+) lr=(?<lr>\\S+)']).read('step=0x10 lr=fast')).toBeNull();
    expect(new LogReader(['step=(?<step>\\S+)']).read('step=-3')).toMatchObject({ position: {} });
    expect(new LogReader(['step=(?<step>\\S+)']).read(`step=${'9'.repeat(30)}`)).toMatchObject({ position: {} });
  });
});

it('spends a tenth of a second on a second of output, however much there is', () => {
  let now = 0;
  const reader = new LogReader(['step (?<step>\\d+)'], () => (now += 10));
  const read = (): boolean => reader.read('step 1') !== null;
  expect(Array.from({ length: 40 }, read).filter(Boolean)).toHaveLength(10);
  now = 2_000;
  expect(read()).toBe(true);
});

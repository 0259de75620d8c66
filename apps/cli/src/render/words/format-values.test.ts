import { EXACT, formatValues } from './format-values.js';

describe('values of any shape', () => {
  it('read as names and values, aligned, what is nested indented below its name', () => {
    const result = {
      weights_sha256: 'f00d',
      loss: 0.679371364,
      best: { epoch: 12, metrics: { val_loss: 0.6911 } },
      data: [
        { name: 'sp500', rows: 1200 },
        { name: 'vix', rows: 1200 },
      ],
      layers: [8, 4],
      stopped: false,
      nothing: null,
      empty: [],
    };
    expect(formatValues(result)).toEqual([
      'weights_sha256  f00d',
      'loss            0.6794',
      'best',
      '  epoch    12',
      '  metrics  val_loss 0.6911',
      'data',
      '  - name sp500  rows 1,200',
      '  - name vix  rows 1,200',
      'layers          8, 4',
      'stopped         false',
      'nothing         –',
      'empty           none',
    ]);
  });

  it('name first of what kind something is, and break up what is too long for a line', () => {
    const long = 'x'.repeat(50);
    expect(
      formatValues({
        model: {
          layers: [
            { units: 8, kind: 'dense' },
            { a: long, bb: long },
          ],
        },
      }),
    ).toEqual(['model', '  layers', '    - kind dense  units 8', `    - a   ${long}`, `      bb  ${long}`]);
  });

  it('are exact where a rounded one would be another one', () => {
    expect(formatValues({ learning_rate: 0.00125, loss: null }, EXACT)).toEqual([
      'learning_rate  0.00125',
      'loss           none',
    ]);
  });

  it('are all there where some of them would be another list', () => {
    const command = ['python3', 'train.py', ...Array.from({ length: 12 }, (_, n) => `--flag-${n}`)];
    expect(formatValues({ command }, EXACT)).toEqual([`command  ${command.join(', ')}`]);
  });

  it('do not fill the screen with a long list', () => {
    const [line] = formatValues({ losses: Array.from({ length: 500 }, (_, n) => n) });
    expect(line).toBe('losses  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … (500 in all)');
    const epochs = formatValues({ epochs: Array.from({ length: 500 }, (_, n) => ({ n })) });
    expect(epochs).toHaveLength(14);
    expect(epochs.slice(-2)).toEqual(['  - n 11', '  … (500 in all)']);
  });
});

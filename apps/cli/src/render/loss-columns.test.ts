import { lossColumns } from './loss-columns.js';

const titles = (...rows: Parameters<typeof lossColumns>[0]) => lossColumns(rows).columns.map(({ title }) => title);

describe('the columns of the losses', () => {
  it('are named after what they show', () => {
    expect(titles({ loss: 0.7, val_loss: 0.6 }, null)).toEqual(['VAL LOSS']);
    expect(titles({ loss: 0.7 }, {})).toEqual(['LOSS']);
    expect(titles(null)).toEqual(['LOSS']);
  });

  it('keep the two losses apart where both occur', () => {
    const mixed = [{ loss: 0.7, val_loss: 0.6 }, { loss: 0.5 }, null];
    expect(titles(...mixed)).toEqual(['VAL LOSS', 'LOSS']);
    expect(mixed.map(lossColumns(mixed).cellsOf)).toEqual([
      ['0.6000', ''],
      ['', '0.5000'],
      ['', ''],
    ]);
  });
});

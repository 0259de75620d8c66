import { epochOrder } from '../keyed-random.js';
import {
  type BatchRun,
  EMPTY_LEDGER,
  extendLedger,
  ledgerOf,
  ledgerOfEpochs,
  samplesIn,
  withBatch,
} from './sample-ledger.js';

function batchesOf(samples: number, size: number): BatchRun[] {
  const full = { size, count: Math.floor(samples / size) };
  return samples % size === 0 ? [full] : [full, { size: samples % size, count: 1 }];
}

describe('the sample ledger', () => {
  it('is the published chain', () => {
    const first = extendLedger(EMPTY_LEDGER, Uint32Array.of(2, 0));
    expect(first).toBe('1de986ac168dcfb8a52b6320497a49a9cb6e9e9728ab59cfbb4b0d44da18fc04');
    expect(extendLedger(first, Uint32Array.of(1))).toBe(
      '864fe4cbb974b7c611eef29e5dc0d1c8880514b64899a535785eeb21b3966df3',
    );
  });

  it('is the same whether it is built in one go or continued from a saved link', () => {
    const order = epochOrder(1, 0, 23);
    let ledger = ledgerOf(order, [{ size: 5, count: 2 }]);
    for (let batch = 2; batch < 5; batch += 1) ledger = extendLedger(ledger, order.subarray(batch * 5, batch * 5 + 5));
    expect(ledger).toBe(ledgerOf(order, batchesOf(23, 5)));
  });

  it('follows a batch size that changes, without losing or repeating a sample', () => {
    const order = epochOrder(1, 0, 23);
    let batches: BatchRun[] = [];
    let ledger = EMPTY_LEDGER;
    for (const size of [5, 5, 3, 3, 3, 4]) {
      ledger = extendLedger(ledger, order.subarray(samplesIn(batches), samplesIn(batches) + size));
      batches = withBatch(batches, size);
    }
    expect(batches).toEqual([
      { size: 5, count: 2 },
      { size: 3, count: 3 },
      { size: 4, count: 1 },
    ]);
    expect(samplesIn(batches)).toBe(23);
    expect(ledgerOf(order, batches)).toBe(ledger);
    expect(ledger).not.toBe(ledgerOf(order, batchesOf(23, 5)));
  });

  it('tells a repeated, a missing and a swapped sample', () => {
    const ledger = (...batch: number[]) => extendLedger(EMPTY_LEDGER, Uint32Array.from(batch));
    const ledgers = [ledger(0, 1, 2), ledger(0, 1, 1), ledger(0, 1), ledger(0, 2, 1)];
    expect(new Set(ledgers).size).toBe(4);
  });

  it('sums epochs up in order', () => {
    const [one, two] = [0, 1].map((epoch) => ledgerOf(epochOrder(1, epoch, 4), batchesOf(4, 2))) as [string, string];
    expect(ledgerOfEpochs([one, two])).not.toBe(ledgerOfEpochs([two, one]));
  });
});

import { epochOrder } from './keyed-random.js';
import { EMPTY_LEDGER, extendLedger, ledgerOf, ledgerOfEpochs } from './sample-ledger.js';

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
    let ledger = ledgerOf(order, 5, 2);
    for (let batch = 2; batch < 5; batch += 1) ledger = extendLedger(ledger, order.subarray(batch * 5, batch * 5 + 5));
    expect(ledger).toBe(ledgerOf(order, 5, 5));
  });

  it('tells a repeated, a missing and a swapped sample', () => {
    const ledger = (...batch: number[]) => extendLedger(EMPTY_LEDGER, Uint32Array.from(batch));
    const ledgers = [ledger(0, 1, 2), ledger(0, 1, 1), ledger(0, 1), ledger(0, 2, 1)];
    expect(new Set(ledgers).size).toBe(4);
  });

  it('sums epochs up in order', () => {
    const [one, two] = [ledgerOf(epochOrder(1, 0, 4), 2, 2), ledgerOf(epochOrder(1, 1, 4), 2, 2)];
    expect(ledgerOfEpochs([one, two])).not.toBe(ledgerOfEpochs([two, one]));
  });
});

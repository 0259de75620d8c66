import { createHash } from 'node:crypto';

/**
 * Proof of which samples an epoch has consumed, in which order: a SHA-256 chain with one link a batch, so that it can
 * be saved after any batch and continued in another process.
 * Link = SHA-256(previous link ‖ indices as little-endian uint32); the first link follows 32 zero bytes.
 */
export const EMPTY_LEDGER = '0'.repeat(64);

/** So many batches of one size in a row; the batch size can change in the middle of an epoch. */
export interface BatchRun {
  readonly size: number;
  readonly count: number;
}

/** The chain after one more batch. */
export function extendLedger(ledger: string, batch: Uint32Array): string {
  const bytes = Buffer.alloc(batch.length * 4);
  batch.forEach((sample, index) => bytes.writeUInt32LE(sample, index * 4));
  return createHash('sha256').update(Buffer.from(ledger, 'hex')).update(bytes).digest('hex');
}

/** The batches with one more behind them. */
export function withBatch(batches: readonly BatchRun[], size: number): BatchRun[] {
  const last = batches.at(-1);
  if (last?.size !== size) return [...batches, { size, count: 1 }];
  return [...batches.slice(0, -1), { size, count: last.count + 1 }];
}

export function samplesIn(batches: readonly BatchRun[]): number {
  return batches.reduce((sum, { size, count }) => sum + size * count, 0);
}

/** The chain over an order that is consumed in these batches. */
export function ledgerOf(order: Uint32Array, batches: readonly BatchRun[]): string {
  let ledger = EMPTY_LEDGER;
  let first = 0;
  for (const { size, count } of batches) {
    for (let batch = 0; batch < count; batch += 1, first += size) {
      ledger = extendLedger(ledger, order.subarray(first, first + size));
    }
  }
  return ledger;
}

/** One digest over the ledgers of all epochs. */
export function ledgerOfEpochs(ledgers: readonly string[]): string {
  const hash = createHash('sha256');
  for (const ledger of ledgers) hash.update(Buffer.from(ledger, 'hex'));
  return hash.digest('hex');
}

import { createHash } from 'node:crypto';

/**
 * Proof of which samples an epoch has consumed, in which order: a SHA-256 chain with one link a batch, so that it can
 * be saved after any batch and continued in another process.
 * Link = SHA-256(previous link ‖ indices as little-endian uint32); the first link follows 32 zero bytes.
 */
export const EMPTY_LEDGER = '0'.repeat(64);

/** The chain after one more batch. */
export function extendLedger(ledger: string, batch: Uint32Array): string {
  const bytes = Buffer.alloc(batch.length * 4);
  batch.forEach((sample, index) => bytes.writeUInt32LE(sample, index * 4));
  return createHash('sha256').update(Buffer.from(ledger, 'hex')).update(bytes).digest('hex');
}

/** The chain over the first `batches` batches of an order. */
export function ledgerOf(order: Uint32Array, batchSize: number, batches: number): string {
  let ledger = EMPTY_LEDGER;
  for (let batch = 0; batch < batches; batch += 1) {
    ledger = extendLedger(ledger, order.subarray(batch * batchSize, (batch + 1) * batchSize));
  }
  return ledger;
}

/** One digest over the ledgers of all epochs. */
export function ledgerOfEpochs(ledgers: readonly string[]): string {
  const hash = createHash('sha256');
  for (const ledger of ledgers) hash.update(Buffer.from(ledger, 'hex'));
  return hash.digest('hex');
}

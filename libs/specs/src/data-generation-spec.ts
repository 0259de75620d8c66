import { z } from 'zod';

/** A made-up daily price series (geometric Brownian motion on business days), the same for the same seed. */
export const DataGenerationSpec = z.strictObject({
  version: z.literal(1),
  rows: z.int().min(2).max(10_000_000),
  start_date: z.iso.date().default('2000-01-03'),
  start_price: z.number().positive().max(1e9).default(100),
  annual_drift: z.number().min(-1).max(1).default(0.05),
  annual_volatility: z.number().min(0).max(5).default(0.2),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  /** Rows a second at most; null: as fast as it goes. For trying out what can be done while it runs. */
  rows_per_second: z.number().positive().nullable().default(null),
});
export type DataGenerationSpec = z.infer<typeof DataGenerationSpec>;

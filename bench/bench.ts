import type { Measured } from './figure.js';
import type { BenchServices } from './services.js';

/** What a bench is given. */
export type BenchContext = Readonly<{
  services: BenchServices;
  /** Another checkout that is built, to measure beside this one. */
  reference: string | undefined;
  /** Says on stderr what is being done. */
  say: (line: string) => void;
}>;

/** One measurement beside its reference, in one run. */
export type Bench = Readonly<{ name: string; run(context: BenchContext): Promise<readonly Measured[]> }>;

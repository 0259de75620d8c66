import fc from 'fast-check';
import { DAMAGES, type Damage } from './uploads.js';

/**
 * What a generated sequence consists of. Leases, requests and checkpoints are named by how long ago they came about,
 * so that every sequence has a meaning, and so does every part of it.
 */
export type SingleStep =
  | { readonly do: 'pause' | 'cancel'; readonly op: number; readonly isKeyed: boolean }
  | { readonly do: 'delete' | 'look'; readonly op: number }
  | ResumeStep
  | { readonly do: 'claim'; readonly worker: number; readonly isAgain: boolean }
  | { readonly do: 'heartbeat'; readonly worker: number }
  | { readonly do: 'start' | 'obey'; readonly lease: number }
  | {
      readonly do: 'commit';
      readonly lease: number;
      readonly steps: number;
      readonly isBest: boolean;
      readonly isStored: boolean;
    }
  | { readonly do: 'save-failed'; readonly lease: number; readonly isPauseAbandoned: boolean }
  | { readonly do: 'paused'; readonly lease: number; readonly isCommitted: boolean }
  | { readonly do: 'cancelled' | 'completed' | 'released'; readonly lease: number; readonly steps: number }
  | { readonly do: 'failed'; readonly lease: number; readonly isCrash: boolean }
  | { readonly do: 'repeat'; readonly request: number }
  | { readonly do: 'sweep'; readonly isOverdue: boolean };

export interface ResumeStep {
  readonly do: 'resume';
  readonly op: number;
  readonly choice: 'latest' | 'best' | 'oldest' | 'unknown';
  readonly allowFallback: boolean;
  readonly dryRun: boolean;
  readonly isKeyed: boolean;
}

export type Step =
  | SingleStep
  /** The leases of these operations run out. */
  | { readonly do: 'lapse'; readonly ops: readonly number[] }
  | { readonly do: 'damage'; readonly checkpoint: number; readonly how: Damage }
  /** All at the same time; `isDoubled`: each is sent twice. */
  | { readonly do: 'burst'; readonly steps: readonly SingleStep[]; readonly isDoubled: boolean }
  /** While a resume still verifies its checkpoint, all this happens. */
  | { readonly do: 'slow-resume'; readonly resume: ResumeStep; readonly during: readonly SingleStep[] };

const OPERATIONS = 2;
export const WORKERS = 3;

const op = fc.nat({ max: OPERATIONS - 1 });
const worker = fc.nat({ max: WORKERS - 1 });
const recent = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.constant(1) },
  fc.nat({ max: 6 }),
);
const mostly = fc.integer({ min: 0, max: 5 }).map((n) => n > 0);
const seldom = mostly.map((is) => !is);
const steps = fc.nat({ max: 9 });

const resume: fc.Arbitrary<ResumeStep> = fc.record({
  do: fc.constant('resume'),
  op,
  choice: fc.oneof(
    { weight: 5, arbitrary: fc.constant('latest' as const) },
    fc.constantFrom('best', 'oldest', 'unknown'),
  ),
  allowFallback: fc.boolean(),
  dryRun: seldom,
  isKeyed: seldom,
});

type Weighted = { readonly weight: number; readonly arbitrary: fc.Arbitrary<SingleStep> };
const w = (weight: number, arbitrary: fc.Arbitrary<SingleStep>): Weighted => ({ weight, arbitrary });

const byClients: readonly Weighted[] = [
  w(5, fc.record({ do: fc.constantFrom('pause', 'cancel'), op, isKeyed: seldom })),
  w(6, resume),
  w(1, fc.record({ do: fc.constant('delete'), op })),
  w(1, fc.record({ do: fc.constant('look'), op })),
];
const byWorkers: readonly Weighted[] = [
  w(7, fc.record({ do: fc.constant('claim'), worker, isAgain: seldom })),
  w(2, fc.record({ do: fc.constant('heartbeat'), worker })),
  w(4, fc.record({ do: fc.constant('start'), lease: recent })),
  w(5, fc.record({ do: fc.constant('obey'), lease: recent })),
  w(6, fc.record({ do: fc.constant('commit'), lease: recent, steps, isBest: seldom, isStored: mostly })),
  w(2, fc.record({ do: fc.constant('save-failed'), lease: recent, isPauseAbandoned: fc.boolean() })),
  w(2, fc.record({ do: fc.constant('paused'), lease: recent, isCommitted: mostly })),
  w(3, fc.record({ do: fc.constantFrom('cancelled', 'completed', 'released'), lease: recent, steps })),
  w(2, fc.record({ do: fc.constant('failed'), lease: recent, isCrash: fc.boolean() })),
  w(3, fc.record({ do: fc.constant('repeat'), request: fc.nat({ max: 12 }) })),
];
const sweep = w(2, fc.record({ do: fc.constant('sweep'), isOverdue: seldom }));
const single = fc.oneof(...byClients, ...byWorkers, sweep);

const burst = fc.record({
  do: fc.constant('burst' as const),
  steps: fc.array(single, { minLength: 1, maxLength: 4 }),
  isDoubled: seldom,
});
const slowResume = fc.record({
  do: fc.constant('slow-resume' as const),
  resume,
  during: fc.array(single, { minLength: 1, maxLength: 5 }),
});
const lapse = fc.record({ do: fc.constant('lapse' as const), ops: fc.uniqueArray(op, { minLength: 1 }) });
const damage = fc.record({ do: fc.constant('damage' as const), checkpoint: recent, how: fc.constantFrom(...DAMAGES) });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 60, arbitrary: single },
  { weight: 5, arbitrary: lapse },
  { weight: 3, arbitrary: damage },
  { weight: 9, arbitrary: burst },
  { weight: 4, arbitrary: slowResume },
);

export interface Sequence {
  /** Of each operation: how often it is tried again by itself, and its priority. */
  readonly operations: readonly { readonly maxRecoveries: number; readonly priority: number }[];
  readonly steps: readonly Step[];
}

export const sequences: fc.Arbitrary<Sequence> = fc.record({
  operations: fc.array(fc.record({ maxRecoveries: fc.nat({ max: 2 }), priority: fc.nat({ max: 1 }) }), {
    minLength: OPERATIONS,
    maxLength: OPERATIONS,
  }),
  steps: fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }),
});

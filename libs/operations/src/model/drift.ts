import type { Provenance } from './checkpoint.js';

/** What can differ between the process that saved a checkpoint and the one that continues it. */
export const DRIFT_KINDS = ['trainer', 'trainer-version', 'backend', 'backend-version', 'data'] as const;
type DriftKind = (typeof DRIFT_KINDS)[number];

export interface Drift {
  readonly what: DriftKind;
  readonly checkpoint: string;
  readonly now: string;
}

/** How the result relates to the one of a run that was never interrupted. */
export const GUARANTEE_LEVELS = ['bit-exact', 'within-tolerance'] as const;
type GuaranteeLevel = (typeof GUARANTEE_LEVELS)[number];

export interface Guarantee {
  readonly level: GuaranteeLevel;
  readonly detail: string;
}

/** A surrounding as far as it is known; what is left out is not compared. */
export type Surrounding = Partial<Provenance>;

/** What is not as it was when the checkpoint was saved. */
export function driftBetween(checkpoint: Provenance, now: Surrounding): readonly Drift[] {
  const { trainer, backend, dataFingerprint: data } = now;
  return [
    ...(trainer ? namedDrift('trainer', checkpoint.trainer, trainer) : []),
    ...(backend ? namedDrift('backend', checkpoint.backend, backend) : []),
    ...(data === undefined || data === checkpoint.dataFingerprint
      ? []
      : [{ what: 'data' as const, checkpoint: checkpoint.dataFingerprint, now: data }]),
  ];
}

interface Named {
  readonly name: string;
  readonly version: string;
}

/** Versions of different things are not compared. */
function namedDrift(what: 'trainer' | 'backend', before: Named, now: Named): readonly Drift[] {
  if (before.name !== now.name)
    return [{ what, checkpoint: `${before.name} ${before.version}`, now: `${now.name} ${now.version}` }];
  if (before.version === now.version) return [];
  return [
    { what: `${what}-version`, checkpoint: `${before.name} ${before.version}`, now: `${now.name} ${now.version}` },
  ];
}

/** In a sentence: `backend cpu 4.22.0 instead of wasm 4.22.0+simd`. */
export function describeDrift(drift: readonly Drift[]): string {
  return drift.map(({ what, checkpoint, now }) => `${what} ${now} instead of ${checkpoint}`).join(', ');
}

/** What a continuation promises, given what differs and whether another backend may go on, or has gone on, with it. */
export function guaranteeOf(
  drift: readonly Drift[],
  { backendChangeAllowed = false }: { readonly backendChangeAllowed?: boolean } = {},
): Guarantee {
  if (drift.length > 0)
    return {
      level: 'within-tolerance',
      detail: `close to going on without an interruption, not equal: ${describeDrift(drift)}`,
    };
  if (backendChangeAllowed)
    return {
      level: 'within-tolerance',
      detail: 'close to going on without an interruption: another backend than it began with may go on with it',
    };
  return { level: 'bit-exact', detail: 'equal bit for bit to going on without an interruption' };
}

import { type OperationView } from '@ktrdr/contracts';
import { applyOverrides, ResumeOverrides, type SpecChange, TrainingSpec } from '@ktrdr/specs';

/** `epochs 50 → 80`. */
export function renderChange({
  path,
  from,
  to,
}: {
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}) {
  return `${path} ${valueOf(from)} → ${valueOf(to)}`;
}

/** What earlier resumes changed of the spec, one a line. */
export function changesOf({ spec, overrides }: Pick<OperationView, 'spec' | 'overrides'>): string[] {
  if (!overrides) return [];
  const known = knownChanges(spec, overrides);
  // A newer API may allow to change what this version does not know: shown as it came.
  return known ? known.map(renderChange) : Object.entries(overrides).map(([path, to]) => `${path} → ${valueOf(to)}`);
}

function knownChanges(spec: unknown, overrides: Readonly<Record<string, unknown>>): readonly SpecChange[] | null {
  const parsed = TrainingSpec.safeParse(spec);
  const wanted = ResumeOverrides.safeParse(overrides);
  return parsed.success && wanted.success ? applyOverrides(parsed.data, wanted.data).changes : null;
}

/** Numbers in full: a rounded learning rate would be another one. */
function valueOf(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  if (typeof value !== 'object') return String(value);
  const fields = Object.entries(value).map(([name, inner]) => `${name} ${valueOf(inner)}`);
  return `(${fields.join(', ')})`;
}

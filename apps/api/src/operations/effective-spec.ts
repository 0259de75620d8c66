import { applyOverrides, mergeOverrides, namesTrainer, ResumeOverrides, TrainingSpec } from '@ktrdr/contracts';
import type { Operation, PreparedOverride } from '@ktrdr/operations';
import { createHash } from 'node:crypto';
import { RequestInvalidError, SpecInvalidError } from '../http/errors.js';
import { toFieldProblems } from '../http/zod.pipe.js';

/** The spec as the next attempt trains it, with its hash. */
export function effectiveSpec({ type, spec, specSha256, overrides }: EffectiveParts): {
  readonly spec: unknown;
  readonly sha256: string;
} {
  if (type !== 'training' || overrides === null) return { spec, sha256: specSha256 };
  const changed = applyOverrides(TrainingSpec.parse(spec), ResumeOverrides.parse(overrides)).spec;
  return { spec: changed, sha256: specSha256Of(changed) };
}

type EffectiveParts = Pick<Operation, 'type' | 'spec' | 'specSha256' | 'overrides'>;

/**
 * What a resume with these overrides changes.
 * @throws {RequestInvalidError} for an operation that has nothing to override
 * @throws {SpecInvalidError} when the changed spec would not be one
 */
export function prepareOverride(operation: Operation, overrides: ResumeOverrides): PreparedOverride {
  if (operation.type !== 'training')
    throw new RequestInvalidError('body', [
      { path: 'overrides', message: `operations of type ${operation.type} have nothing to override` },
    ]);
  if (namesTrainer(operation.spec))
    throw new RequestInvalidError('body', [
      { path: 'overrides', message: 'a program of your own takes no overrides; change its params and start it anew' },
    ]);
  const before = effectiveSpec(operation);
  const { spec, changes } = applyOverrides(TrainingSpec.parse(before.spec), overrides);
  const checked = TrainingSpec.safeParse(spec);
  if (!checked.success) throw new SpecInvalidError(toFieldProblems(checked.error));
  const earlier = ResumeOverrides.parse(operation.overrides ?? {});
  return { overrides: mergeOverrides(earlier, overrides), changes, formerSpecSha256: before.sha256 };
}

export function specSha256Of(spec: unknown): string {
  return createHash('sha256').update(canonicalJson(spec)).digest('hex');
}

/** JSON with sorted keys: equal documents have equal bytes. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

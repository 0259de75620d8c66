import {
  applyOverrides,
  type FieldProblem,
  inPlainWords,
  ResumeOverrides,
  type SpecChange,
  toFieldProblems,
  type TrainingSpec,
} from '@ktrdr/specs';
import { createHash } from 'node:crypto';
import { RequestInvalidError, SpecInvalidError } from '../model/errors.js';
import type { Operation } from '../model/operation.js';
import { traitsOf, type Work } from './operation-types.js';

/**
 * The spec with everything filled in that it leaves out.
 * @throws {SpecInvalidError} naming every offending path
 */
export function parseSpec(work: Work): unknown {
  const { spec: schema } = traitsOf(work);
  const unknownType: FieldProblem = { path: '', message: `operations of type ${work.type} are not known` };
  if (schema === null) throw new SpecInvalidError([unknownType]);
  const parsed = schema.safeParse(work.spec, { error: inPlainWords });
  if (!parsed.success) throw new SpecInvalidError(toFieldProblems(parsed.error));
  return parsed.data;
}

type Overridable = Pick<Operation, 'type' | 'spec' | 'specSha256' | 'overrides'>;

export interface EffectiveSpec {
  readonly spec: unknown;
  readonly sha256: string;
}

/** The spec as the next attempt trains it, with its hash. */
export function effectiveSpec(operation: Overridable): EffectiveSpec {
  const { spec, specSha256, overrides } = operation;
  if (overrides === null || !traitsOf(operation).takesOverrides) return { spec, sha256: specSha256 };
  // What takes overrides is a training by the built-in trainer, parsed again as this version knows it.
  const submitted = parseSpec(operation) as TrainingSpec;
  const changed = applyOverrides(submitted, ResumeOverrides.parse(overrides)).spec;
  return { spec: changed, sha256: specSha256Of(changed) };
}

/**
 * The spec that is in force with these overrides, checked, and what they change.
 * @throws {RequestInvalidError} for a type that takes no overrides
 * @throws {SpecInvalidError} when the changed spec would not be one
 */
export function changedSpec(
  operation: Overridable,
  overrides: ResumeOverrides,
): EffectiveSpec & { readonly changes: readonly SpecChange[] } {
  const before = effectiveSpec(operation);
  if (Object.keys(overrides).length === 0) return { ...before, changes: [] };
  const { takesOverrides, runsOn } = traitsOf(operation);
  if (!takesOverrides) {
    const message =
      runsOn === 'program'
        ? 'a program of your own takes no overrides; change its params and start it anew'
        : `operations of type ${operation.type} have nothing to override`;
    throw new RequestInvalidError('request', [{ path: 'overrides', message }]);
  }
  const submitted = parseSpec({ type: operation.type, spec: before.spec }) as TrainingSpec;
  const { spec, changes } = applyOverrides(submitted, overrides);
  parseSpec({ type: operation.type, spec });
  return { spec, sha256: specSha256Of(spec), changes };
}

/** The effective spec where the built-in trainer trains it on a backend; null: something else runs. */
export function trainingSpecOf(operation: Overridable): TrainingSpec | null {
  return traitsOf(operation).runsOn === 'backend' ? (effectiveSpec(operation).spec as TrainingSpec) : null;
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

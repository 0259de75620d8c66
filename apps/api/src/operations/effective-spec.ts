import {
  applyOverrides,
  inPlainWords,
  mergeOverrides,
  namesTrainer,
  ResumeOverrides,
  type SpecChange,
  TrainingSpec,
} from '@ktrdr/specs';
import type { BackendChange, Checkpoint, Operation, PreparedOverride } from '@ktrdr/operations';
import { createHash } from 'node:crypto';
import { RequestInvalidError, SpecInvalidError } from '../http/errors.js';
import { toFieldProblems } from '../http/validation.js';
import { assertEpochsSuffice } from './least-epochs.js';

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

/** What may be asked of the spec of an operation that goes on, by itself or as another. */
export interface AskedChanges {
  readonly overrides: ResumeOverrides;
  readonly allowBackendChange: boolean;
}

export function changesNothing({ overrides, allowBackendChange }: AskedChanges): boolean {
  return Object.keys(overrides).length === 0 && !allowBackendChange;
}

/**
 * What a resume from this checkpoint with these changes would be; without one it begins at step 0.
 * @throws {RequestInvalidError} for a type that has nothing to override, a backend that needs to be allowed, and fewer
 * epochs than are trained
 * @throws {SpecInvalidError} when the changed spec would not be one
 */
export function prepareOverride(
  operation: Operation,
  checkpoint: Checkpoint | null,
  asked: AskedChanges,
): PreparedOverride {
  const before = effectiveSpec(operation);
  const { spec, changes } = changedSpec(operation, asked.overrides);
  assertEpochsSuffice(asked.overrides, checkpoint, operation);
  const earlier = ResumeOverrides.parse(operation.overrides ?? {});
  return {
    overrides: mergeOverrides(earlier, asked.overrides),
    changes,
    formerSpecSha256: before.sha256,
    backendChange: backendChangeFor({ trainedOn: operation.pinnedBackend, spec, asked }),
  };
}

/** The spec that is in force with these overrides, checked, and what they change. */
export function changedSpec(
  operation: EffectiveParts,
  overrides: ResumeOverrides,
): { readonly spec: unknown; readonly sha256: string; readonly changes: readonly SpecChange[] } {
  const before = effectiveSpec(operation);
  if (Object.keys(overrides).length === 0) return { ...before, changes: [] };
  if (operation.type !== 'training')
    throw new RequestInvalidError('body', [
      { path: 'overrides', message: `operations of type ${operation.type} have nothing to override` },
    ]);
  if (namesTrainer(operation.spec))
    throw new RequestInvalidError('body', [
      { path: 'overrides', message: 'a program of your own takes no overrides; change its params and start it anew' },
    ]);
  const { spec, changes } = applyOverrides(TrainingSpec.parse(before.spec), overrides);
  const checked = TrainingSpec.safeParse(spec, { error: inPlainWords });
  if (!checked.success) throw new SpecInvalidError(toFieldProblems(checked.error));
  return { spec, sha256: specSha256Of(spec), changes };
}

/**
 * Whether it is freed from the backend that it was trained on, and for which other.
 * @throws {RequestInvalidError} when another one is asked for and not allowed
 */
export function backendChangeFor({ trainedOn, spec, asked }: BackendWish): BackendChange | null {
  const { backend } = spec as { readonly backend?: string };
  const to = backend === undefined || backend === 'auto' ? null : backend;
  const isOther = to !== null && to !== trainedOn;
  if (isOther && trainedOn !== null && !asked.allowBackendChange)
    throw new RequestInvalidError('body', [
      {
        path: 'overrides.backend',
        message:
          `the state was trained on ${trainedOn}, and ${to} gives other numbers: ` +
          `set allow_backend_change to accept a result within a tolerance, or let backend be ${trainedOn}`,
      },
    ]);
  return isOther || asked.allowBackendChange ? { to, isAllowed: asked.allowBackendChange } : null;
}

interface BackendWish {
  /** The backend of the state that goes on; null: nothing was trained yet. */
  readonly trainedOn: string | null;
  /** As it will be in force. */
  readonly spec: unknown;
  readonly asked: AskedChanges;
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

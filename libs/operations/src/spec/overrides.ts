import { mergeOverrides, ResumeOverrides } from '@ktrdr/specs';
import type { Checkpoint } from '../model/checkpoint.js';
import { RequestInvalidError } from '../model/errors.js';
import type { Operation, SpecDifference } from '../model/operation.js';
import { changedSpec, effectiveSpec } from './effective-spec.js';
import { assertEpochsSuffice } from './epoch-limits.js';

/** What a resume or a fork asks to change of the spec. */
export interface AskedChanges {
  readonly overrides: ResumeOverrides;
  readonly allowBackendChange: boolean;
}

export const NO_CHANGES: AskedChanges = { overrides: {}, allowBackendChange: false };

export interface BackendChange {
  /** The only one that it may train on; null: any. */
  readonly to: string | null;
  /** The numbers may differ within a tolerance. */
  readonly isAllowed: boolean;
}

export interface PreparedOverride {
  /** All that is overridden from now on, earlier resumes' included. */
  readonly overrides: Readonly<Record<string, unknown>>;
  readonly changes: readonly SpecDifference[];
  /** Hash of the spec that it was trained under so far. */
  readonly formerSpecSha256: string;
  /** Null: it goes on under the backend that it trained on. */
  readonly backendChange: BackendChange | null;
}

/**
 * What a resume from this checkpoint with these changes would be; without one it begins at step 0. Null: no changes.
 * @throws {RequestInvalidError} for a type that has nothing to override, a backend that needs to be allowed, and fewer
 * epochs than are trained
 * @throws {SpecInvalidError} when the changed spec would not be one
 */
export function prepareOverride(
  operation: Operation,
  checkpoint: Checkpoint | null,
  asked: AskedChanges,
): PreparedOverride | null {
  if (Object.keys(asked.overrides).length === 0 && !asked.allowBackendChange) return null;
  const before = effectiveSpec(operation);
  const { spec, changes } = changedSpec(operation, asked.overrides);
  assertEpochsSuffice(asked.overrides, checkpoint, operation);
  const earlier = ResumeOverrides.parse(operation.overrides ?? {});
  return {
    overrides: mergeOverrides(earlier, asked.overrides),
    changes,
    formerSpecSha256: before.sha256,
    backendChange: backendChangeFor({ operationId: operation.id, trainedOn: operation.pinnedBackend, spec, asked }),
  };
}

interface BackendWish {
  /** The operation that is to be resumed or forked. */
  readonly operationId: string;
  /** The backend of the state that goes on; null: nothing was trained yet. */
  readonly trainedOn: string | null;
  /** As it will be in force. */
  readonly spec: unknown;
  readonly asked: AskedChanges;
}

/**
 * Whether it is freed from the backend that it was trained on, and for which other.
 * @throws {RequestInvalidError} when another one is asked for and not allowed
 */
export function backendChangeFor({ operationId, trainedOn, spec, asked }: BackendWish): BackendChange | null {
  const { backend } = spec as { readonly backend?: string };
  const to = backend === undefined || backend === 'auto' ? null : backend;
  const isOther = to !== null && to !== trainedOn;
  if (isOther && trainedOn !== null && !asked.allowBackendChange) {
    const message =
      `the state was trained on ${trainedOn}, and ${to} gives other numbers: ` +
      `allow a change of backend to accept a result within a tolerance, or let backend be ${trainedOn}`;
    const suggestion = { action: 'change-request', operation_id: operationId, allow_backend_change: true } as const;
    throw new RequestInvalidError('request', [{ path: 'overrides.backend', message }], [suggestion]);
  }
  return isOther || asked.allowBackendChange ? { to, isAllowed: asked.allowBackendChange } : null;
}

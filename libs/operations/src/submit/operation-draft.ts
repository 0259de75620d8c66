import type { Operation, Watchdog } from '../model/operation.js';
import type { OperationDraft } from '../ports.js';
import { effectiveSpec, parseSpec, specSha256Of } from '../spec/effective-spec.js';
import { askedBackend, assertTrainerAllowed, requirementsOf, type SubmissionRules } from '../spec/requirements.js';

/** Who makes a new operation, when, and from which randomness. */
export interface NewOperation {
  readonly createdBy: string;
  /** A submission repeated with this key finds what the first one made; null: it has none. */
  readonly submissionKey: string | null;
  readonly now: Date;
  /** At least 10 random bytes. */
  readonly entropy: Uint8Array;
}

export interface SubmitRequest extends NewOperation {
  readonly type: string;
  /** Undefined: its id. */
  readonly name: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly pool: string;
  readonly priority: number;
  readonly spec: unknown;
  readonly maxRecoveries: number;
  readonly parentId: string | null;
  readonly watchdog: Watchdog | null;
}

const ID_ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** `op_<type>_<date>_<time>_<random>`: sorts by age, says what it is. `entropy`: at least 10 random bytes. */
export function newOperationId(type: string, now: Date, entropy: Uint8Array): string {
  const [date = '', time = ''] = now.toISOString().split('T');
  const random = Array.from(entropy.subarray(0, 10), (byte) => ID_ALPHABET[byte % ID_ALPHABET.length]).join('');
  return `op_${type}_${date.replaceAll('-', '')}_${time.slice(0, 8).replaceAll(':', '')}_${random}`;
}

/**
 * @throws {SpecInvalidError} naming every offending path
 * @throws {TrainerNotAllowedError} for a program where the operator allows none
 */
export function toDraft(request: SubmitRequest, rules: SubmissionRules): OperationDraft {
  const { now, entropy, ...asked } = request;
  assertTrainerAllowed(asked, rules);
  const work = { type: asked.type, spec: parseSpec(asked) };
  const id = newOperationId(asked.type, now, entropy);
  return {
    ...asked,
    id,
    name: asked.name ?? id,
    spec: work.spec,
    specSha256: specSha256Of(work.spec),
    requirements: requirementsOf(work, askedBackend(work)),
    origin: null,
  };
}

/**
 * A new operation that begins at step 0 with the spec that the other one had last.
 * @throws {TrainerNotAllowedError} for a program where the operator allows none
 */
export function toRetryDraft(operation: Operation, by: NewOperation, rules: SubmissionRules): OperationDraft {
  assertTrainerAllowed(operation, rules);
  const { spec, sha256 } = effectiveSpec(operation);
  const work = { type: operation.type, spec };
  const { type, name, labels, pool, priority, maxRecoveries, parentId, watchdog } = operation;
  return {
    id: newOperationId(type, by.now, by.entropy),
    type,
    name,
    labels,
    pool,
    priority,
    spec,
    specSha256: sha256,
    requirements: requirementsOf(work, askedBackend(work)),
    maxRecoveries,
    parentId,
    origin: { kind: 'retry', operationId: operation.id, checkpointId: null },
    watchdog,
    createdBy: by.createdBy,
    submissionKey: by.submissionKey,
  };
}

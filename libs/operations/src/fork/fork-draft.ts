import { BACKENDS } from '@ktrdr/specs';
import type { Operation, Progress } from '../model/operation.js';
import { changedSpec, effectiveSpec } from '../spec/effective-spec.js';
import { assertEpochsSuffice } from '../spec/epoch-limits.js';
import { type AskedChanges, backendChangeFor } from '../spec/overrides.js';
import { assertTrainerAllowed, requirementsOf, type SubmissionRules } from '../spec/requirements.js';
import { type NewOperation, newOperationId } from '../submit/operation-draft.js';
import type { ForkChoice, ForkDraft } from './fork-ports.js';

/** What the fork changes of its origin. */
export interface ForkedOperation extends NewOperation {
  readonly changes: AskedChanges;
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly priority?: number | undefined;
}

const NAME_LENGTH = 200;
const SUFFIX = ' (fork)';

/**
 * A new operation that goes on where the other one was at this checkpoint: its spec as it is in force there with the
 * overrides in place, stored as the fork's own.
 * @throws {RequestInvalidError} @throws {SpecInvalidError} see {@link changedSpec}, {@link backendChangeFor} and
 * {@link assertEpochsSuffice}
 * @throws {TrainerNotAllowedError} for a program where the operator allows none
 */
export function toForkDraft(
  origin: Operation,
  { checkpoint, provenance, fellBackFrom }: ForkChoice,
  { changes: asked, name, labels, priority, ...by }: ForkedOperation,
  rules: SubmissionRules,
): Omit<ForkDraft, 'checkpoint'> {
  assertTrainerAllowed(origin, rules);
  const { spec, sha256, changes } = changedSpec(origin, asked.overrides);
  assertEpochsSuffice(asked.overrides, checkpoint, origin);
  const trainedOn = BACKENDS.find((name) => name === provenance?.backend.name) ?? origin.pinnedBackend;
  const change = backendChangeFor({ operationId: origin.id, trainedOn, spec, asked });
  const bound = change ? change.to : trainedOn;
  const { type, pool, maxRecoveries, watchdog } = origin;
  return {
    id: newOperationId(type, by.now, by.entropy),
    type,
    name: name ?? `${origin.name.slice(0, NAME_LENGTH - SUFFIX.length)}${SUFFIX}`,
    labels: labels ?? origin.labels,
    pool,
    priority: priority ?? origin.priority,
    spec,
    specSha256: sha256,
    requirements: requirementsOf({ type, spec }, bound),
    maxRecoveries,
    parentId: null, // it was made by a person, not by what made its origin
    origin: {
      kind: 'fork',
      operationId: origin.id,
      checkpointId: checkpoint.id,
      step: checkpoint.step,
      epoch: checkpoint.epoch,
      fellBackFrom,
      changes,
    },
    watchdog,
    createdBy: by.createdBy,
    submissionKey: by.submissionKey,
    formerSpecSha256: [...new Set([effectiveSpec(origin).sha256, ...origin.formerSpecSha256])],
    pinnedBackend: change ? null : trainedOn,
    // What was once continued on another backend may have to fall back to what was saved before that.
    backendChangeAllowed: origin.backendChangeAllowed || (change?.isAllowed ?? false),
    progress: progressAt(checkpoint, origin, spec),
    best: origin.best && origin.best.step <= checkpoint.step ? origin.best : null,
  };
}

/** Until its trainer says how many steps it will be: as many an epoch as its origin has planned. */
function progressAt(
  { step, epoch }: { readonly step: number; readonly epoch: number },
  { progress }: Operation,
  spec: unknown,
): Progress {
  const planned = (spec as { readonly epochs?: unknown }).epochs;
  const epochs = typeof planned === 'number' ? planned : (progress?.epochs ?? epoch);
  const perEpoch = progress && progress.epochs > 0 ? progress.steps / progress.epochs : 0;
  return { step, epoch, steps: Math.max(step, Math.round(perEpoch * epochs)), epochs, examplesPerSecond: null };
}

import type { ParsedBody, ROUTES } from '@ktrdr/contracts';
import { BACKENDS } from '@ktrdr/specs';
import { type ForkChoice, type ForkDraft, newOperationId, type Operation, type Progress } from '@ktrdr/operations';
import { randomBytes } from 'node:crypto';
import { assertTrainerAllowed, requirementsOf, type SubmissionRules } from './draft.js';
import { type AskedChanges, backendChangeFor, changedSpec, effectiveSpec } from './effective-spec.js';
import { assertEpochsSuffice } from './least-epochs.js';

interface ForkSubmission {
  readonly body: ParsedBody<typeof ROUTES.operations.fork>;
  readonly createdBy: string;
  readonly submissionKey: string | null;
  readonly now: Date;
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
  { body, createdBy, submissionKey, now }: ForkSubmission,
  rules: SubmissionRules,
): Omit<ForkDraft, 'checkpoint'> {
  assertTrainerAllowed(origin, rules);
  const asked: AskedChanges = { overrides: body.overrides, allowBackendChange: body.allow_backend_change };
  const { spec, sha256, changes } = changedSpec(origin, body.overrides);
  assertEpochsSuffice(body.overrides, checkpoint, origin);
  const trainedOn = BACKENDS.find((name) => name === provenance?.backend.name) ?? origin.pinnedBackend;
  const change = backendChangeFor({ trainedOn, spec, asked });
  const bound = change ? change.to : trainedOn;
  const { type, pool, maxRecoveries, watchdog } = origin;
  return {
    id: newOperationId(type, now, randomBytes(10)),
    type,
    name: body.name ?? `${origin.name.slice(0, NAME_LENGTH - SUFFIX.length)}${SUFFIX}`,
    labels: body.labels ?? origin.labels,
    pool,
    priority: body.priority ?? origin.priority,
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
    createdBy,
    submissionKey,
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

import type { ParsedBody, ROUTES } from '@ktrdr/contracts';
import { DataGenerationSpec, inPlainWords, namesTrainer, ProcessTrainingSpec, TrainingSpec } from '@ktrdr/specs';
import { newOperationId, type Operation, type OperationDraft, type OperationType } from '@ktrdr/operations';
import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { SpecInvalidError, TrainerNotAllowedError } from '../http/errors.js';
import { toFieldProblems } from '../http/validation.js';
import { effectiveSpec, specSha256Of } from './effective-spec.js';

interface Submission {
  readonly body: ParsedBody<typeof ROUTES.operations.submit>;
  readonly createdBy: string;
  readonly submissionKey: string | null;
  readonly now: Date;
}

/** What this service lets clients ask for. */
export interface SubmissionRules {
  readonly allowsProcessTrainers: boolean;
}

/** Each type's own schema. */
const SPECS: Readonly<Record<OperationType, (spec: unknown) => unknown>> = {
  training: (document) => parse(namesTrainer(document) ? ProcessTrainingSpec : TrainingSpec, document),
  data_generation: (document) => parse(DataGenerationSpec, document),
};

/**
 * A spec of this type with everything that it leaves out filled in.
 * @throws {SpecInvalidError} naming every offending path
 */
export function checkedSpec(type: OperationType, document: unknown): unknown {
  return SPECS[type](document);
}

type Work = Readonly<{ type: string; spec: unknown }>;

/** Whether it brings its own program. */
export function bringsTrainer({ type, spec }: Work): boolean {
  return type === 'training' && namesTrainer(spec);
}

/**
 * Asked by all that hands work to the workers, not only by a submission: it may come from elsewhere, or from before.
 * @throws {TrainerNotAllowedError} for a program where the operator allows none
 */
export function assertTrainerAllowed(work: Work, { allowsProcessTrainers }: SubmissionRules): void {
  if (bringsTrainer(work) && !allowsProcessTrainers) throw new TrainerNotAllowedError();
}

/** What a worker must offer to run this, on this backend; null: on any. */
export function requirementsOf(work: Work, backend: string | null): readonly string[] {
  return [
    `type:${work.type}`,
    ...(bringsTrainer(work) ? ['trainer:process'] : []),
    ...(backend === null ? [] : [`backend:${backend}`]),
  ];
}

/** The backend that a spec asks for; null: it leaves the choice to the worker, or has none. */
export function askedBackend(work: Work): string | null {
  if (work.type !== 'training' || bringsTrainer(work)) return null;
  const { backend } = work.spec as TrainingSpec;
  return backend === 'auto' ? null : backend;
}

/**
 * @throws {SpecInvalidError} naming every offending path
 * @throws {TrainerNotAllowedError} for a program where the operator allows none
 */
export function toDraft({ body, createdBy, submissionKey, now }: Submission, rules: SubmissionRules): OperationDraft {
  assertTrainerAllowed(body, rules);
  const work = { type: body.type, spec: checkedSpec(body.type, body.spec) };
  const id = newOperationId(body.type, now, randomBytes(10));
  return {
    id,
    type: body.type,
    name: body.name ?? id,
    labels: body.labels,
    pool: body.pool,
    priority: body.priority,
    spec: work.spec,
    specSha256: specSha256Of(work.spec),
    requirements: requirementsOf(work, askedBackend(work)),
    maxRecoveries: body.max_recoveries,
    parentId: body.parent_id,
    origin: null,
    watchdog: body.watchdog && { seconds: body.watchdog.seconds, onStall: body.watchdog.on_stall },
    createdBy,
    submissionKey,
  };
}

/**
 * A new operation that begins at step 0 with the spec that the other one had last.
 * @throws {TrainerNotAllowedError} for a program where the operator allows none
 */
export function toRetryDraft(
  operation: Operation,
  submission: Omit<Submission, 'body'>,
  rules: SubmissionRules,
): OperationDraft {
  assertTrainerAllowed(operation, rules);
  const { spec, sha256 } = effectiveSpec(operation);
  const work = { type: operation.type, spec };
  const { type, name, labels, pool, priority, maxRecoveries, parentId, watchdog } = operation;
  return {
    id: newOperationId(type, submission.now, randomBytes(10)),
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
    createdBy: submission.createdBy,
    submissionKey: submission.submissionKey,
  };
}

function parse<S extends z.ZodType>(schema: S, document: unknown): z.output<S> {
  const parsed = schema.safeParse(document, { error: inPlainWords });
  if (!parsed.success) throw new SpecInvalidError(toFieldProblems(parsed.error));
  return parsed.data;
}

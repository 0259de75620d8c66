import {
  DataGenerationSpec,
  inPlainWords,
  namesTrainer,
  ProcessTrainingSpec,
  type SubmitBody,
  TrainingSpec,
} from '@ktrdr/contracts';
import { newOperationId, type Operation, type OperationDraft, type OperationType } from '@ktrdr/operations';
import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { SpecInvalidError, TrainerNotAllowedError } from '../http/errors.js';
import { toFieldProblems } from '../http/zod.pipe.js';
import { effectiveSpec, specSha256Of } from './effective-spec.js';

interface Submission {
  readonly body: z.output<typeof SubmitBody>;
  readonly createdBy: string;
  readonly submissionKey: string | null;
  readonly now: Date;
}

/** What this service lets clients ask for. */
export interface SubmissionRules {
  readonly allowsProcessTrainers: boolean;
}

interface CheckedSpec {
  readonly spec: unknown;
  readonly requirements: readonly string[];
}

/** Each type's own schema, and what a worker must offer to run it. */
const SPECS: Readonly<Record<OperationType, (spec: unknown) => CheckedSpec>> = {
  training: (document) => {
    if (namesTrainer(document))
      return { spec: parse(ProcessTrainingSpec, document), requirements: ['trainer:process'] };
    const spec = parse(TrainingSpec, document);
    return { spec, requirements: spec.backend === 'auto' ? [] : [`backend:${spec.backend}`] };
  },
  data_generation: (document) => ({ spec: parse(DataGenerationSpec, document), requirements: [] }),
};

/**
 * A spec of this type with everything that it leaves out filled in.
 * @throws {SpecInvalidError} naming every offending path
 */
export function checkedSpec(type: OperationType, document: unknown): CheckedSpec {
  return SPECS[type](document);
}

/**
 * @throws {SpecInvalidError} naming every offending path
 * @throws {TrainerNotAllowedError} for a program where the operator allows none
 */
export function toDraft({ body, createdBy, submissionKey, now }: Submission, rules: SubmissionRules): OperationDraft {
  if (namesTrainer(body.spec) && body.type === 'training' && !rules.allowsProcessTrainers)
    throw new TrainerNotAllowedError();
  const { spec, requirements } = SPECS[body.type](body.spec);
  const id = newOperationId(body.type, now, randomBytes(10));
  return {
    id,
    type: body.type,
    name: body.name ?? id,
    labels: body.labels,
    pool: body.pool,
    priority: body.priority,
    spec,
    specSha256: specSha256Of(spec),
    requirements: [`type:${body.type}`, ...requirements],
    maxRecoveries: body.max_recoveries,
    parentId: body.parent_id,
    origin: null,
    watchdog: body.watchdog && { seconds: body.watchdog.seconds, onStall: body.watchdog.on_stall },
    createdBy,
    submissionKey,
  };
}

/** A new operation that begins at step 0 with the spec that the other one had last. */
export function toRetryDraft(operation: Operation, submission: Omit<Submission, 'body'>): OperationDraft {
  const { spec, sha256 } = effectiveSpec(operation);
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
    requirements: operation.requirements.filter(
      (tag) => !tag.startsWith('backend:') || tag === `backend:${(spec as { backend?: unknown }).backend as string}`,
    ),
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

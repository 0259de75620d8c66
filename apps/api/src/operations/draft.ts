import { type SubmitBody, TrainingSpec } from '@ktrdr/contracts';
import { newOperationId, type OperationDraft } from '@ktrdr/operations';
import { createHash, randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { SpecInvalidError } from '../http/errors.js';
import { toFieldProblems } from '../http/zod.pipe.js';

interface Submission {
  readonly body: z.output<typeof SubmitBody>;
  readonly createdBy: string;
  readonly submissionKey: string | null;
  readonly now: Date;
}

/** @throws {SpecInvalidError} naming every offending path */
export function toDraft({ body, createdBy, submissionKey, now }: Submission): OperationDraft {
  const parsed = TrainingSpec.safeParse(body.spec);
  if (!parsed.success) throw new SpecInvalidError(toFieldProblems(parsed.error));
  const spec = parsed.data;
  const id = newOperationId(body.type, now, randomBytes(10));
  return {
    id,
    type: body.type,
    name: body.name ?? id,
    labels: body.labels,
    pool: body.pool,
    priority: body.priority,
    spec,
    specSha256: createHash('sha256').update(canonicalJson(spec)).digest('hex'),
    requirements: [`type:${body.type}`, ...(spec.backend === 'auto' ? [] : [`backend:${spec.backend}`])],
    maxRecoveries: body.max_recoveries,
    createdBy,
    submissionKey,
  };
}

/** JSON with sorted keys: equal documents have equal bytes. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

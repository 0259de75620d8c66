import type { Operation, OperationDraft } from '@ktrdr/operations';
import { type Database } from '../database/database.js';
import { columnOf, json } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';
import { queuePositionOf } from '../workers/work-queue.js';
import { operationColumns, toOperation } from './operation-rows.js';
import { recordTransition } from './record-transition.js';

const { sql, raw, join } = Prisma;

/** Stores the operation with its first history row and event. No row: this submission was stored before. */
export function submitStatement(draft: OperationDraft): Prisma.Sql {
  return sql`
    WITH u AS (${insertOperation(draft)}
    ), ${recordTransition('submit', { actor: sql`${draft.createdBy}::text` })}
    SELECT ${operationColumns('u')}, ${queuePositionOf('u')} AS "queuePosition" FROM u`;
}

/**
 * Writes the row of a new operation, and returns it; no row: this submission was stored before.
 * @param more further values by property, in place of the draft's too
 */
export function insertOperation(draft: OperationDraft, more: Readonly<Record<string, Prisma.Sql>> = {}): Prisma.Sql {
  const values: Readonly<Record<string, Prisma.Sql>> = {
    id: sql`${draft.id}`,
    type: sql`${draft.type}`,
    name: sql`${draft.name}`,
    labels: json(draft.labels),
    pool: sql`${draft.pool}`,
    priority: sql`${draft.priority}`,
    status: raw(`'queued'`),
    eventSeq: raw('1'),
    spec: json(draft.spec),
    specSha256: sql`${draft.specSha256}`,
    requirements: sql`${[...draft.requirements]}::text[]`,
    createdBy: sql`${draft.createdBy}`,
    submissionKey: sql`${draft.submissionKey}`,
    maxRecoveries: sql`${draft.maxRecoveries}`,
    parentId: sql`${draft.parentId}`,
    origin: json(draft.origin),
    watchdog: json(draft.watchdog),
    ...more,
  };
  return sql`
    INSERT INTO operations (${raw(Object.keys(values).map(columnOf).join(', '))})
    VALUES (${join(Object.values(values))})
    ON CONFLICT (submission_key) DO NOTHING
    RETURNING *`;
}

/** The operation that this submission made before; null: none. */
export async function submittedBefore(prisma: Database, submissionKey: string | null): Promise<Operation | null> {
  if (submissionKey === null) return null;
  const row = await prisma.operation.findUnique({ where: { submissionKey } });
  return row && toOperation(row);
}

/** The same, where a statement has found it. */
export async function storedBefore(prisma: Database, { id, submissionKey }: OperationDraft): Promise<Operation> {
  const earlier = await submittedBefore(prisma, submissionKey);
  if (!earlier) throw new Error(`submission ${id} was neither stored nor found`);
  return earlier;
}

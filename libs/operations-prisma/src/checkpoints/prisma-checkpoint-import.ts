import type { CheckpointDraft, ImportedOperation, Operation } from '@ktrdr/operations';
import { type Database, writeEvents } from '../database/database.js';
import { insertEvent, json } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';
import { operationColumns, type OperationRow, toOperation } from '../operations/operation-rows.js';
import { insertOperation, storedBefore, submittedBefore } from '../operations/submit-operation.js';
import { recordTransition } from '../operations/record-transition.js';
import { committedEvent, draftedValues, insertCheckpoint } from './checkpoint-rows.js';
import { SLOW_STORE_LIMITS, shareObjects } from './objects-lock.js';

const { raw, sql } = Prisma;

/** Operations that come with the checkpoint they continue from. */
export class PrismaCheckpointImport {
  constructor(private readonly prisma: Database) {}

  /** The operation that this submission made before; null: none. */
  made(submissionKey: string | null): Promise<Operation | null> {
    return submittedBefore(this.prisma, submissionKey);
  }

  /** Stores both or neither: a paused operation, and the checkpoint of its first attempt. */
  async store(
    operation: ImportedOperation,
    checkpoint: CheckpointDraft,
    assertStored: () => Promise<void>,
  ): Promise<Operation> {
    const [row] = await writeEvents(this.prisma, () =>
      this.prisma.$transaction(async (tx) => {
        await shareObjects(tx);
        await assertStored();
        return tx.$queryRaw<OperationRow[]>(importStatement(operation, checkpoint));
      }, SLOW_STORE_LIMITS),
    );
    return row ? toOperation(row) : storedBefore(this.prisma, operation);
  }
}

/** The operation with its first history row and event, and the checkpoint's row. No row: it was imported before. */
function importStatement(operation: ImportedOperation, checkpoint: CheckpointDraft): Prisma.Sql {
  const { origin, createdBy, formerSpecSha256, pinnedBackend, progress } = operation;
  const { id: checkpoint_id, step, epoch } = checkpoint;
  return sql`
    WITH u AS (
      ${insertOperation(operation, {
        status: raw(`'paused'`),
        attempt: raw('1'),
        eventSeq: raw('2'),
        formerSpecSha256: sql`${[...formerSpecSha256]}::text[]`,
        pinnedBackend: sql`${pinnedBackend}`,
        progress: json(progress),
      })}
    ), c AS (
      ${insertCheckpoint({ ...draftedValues(checkpoint), operationId: raw('u.id'), attempt: raw('u.attempt') }, raw('u'))}
    ), ${recordTransition('import', {
      actor: sql`${createdBy}::text`,
      details: json({ imported_from: origin?.operationId, checkpoint_id, step, epoch }),
      seq: '1',
    })}, saved AS (
      ${insertEvent('checkpoint', committedEvent(checkpoint), { at: 'u.created_at' })}
    )
    SELECT ${operationColumns('u')} FROM u`;
}

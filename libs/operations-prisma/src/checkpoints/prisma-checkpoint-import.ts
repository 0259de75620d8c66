import type { CheckpointDraft, Operation, OperationDraft, Progress } from '@ktrdr/operations';
import { type Database, withDatabaseErrors, writeEvents } from '../database/database.js';
import { type Operation as OperationRow, Prisma } from '../generated/prisma/client.js';
import { operationColumns, toOperation } from '../operations/operation-rows.js';
import { shareObjects } from './objects-lock.js';
import { webhookRows } from '../operations/transition-operations.js';

const { sql } = Prisma;
const json = (value: unknown) => sql`${JSON.stringify(value)}::jsonb`;
const LIMITS = { maxWait: 10_000, timeout: 60_000 };

/** An operation that has trained elsewhere. */
export interface ImportedOperation extends OperationDraft {
  readonly formerSpecSha256: readonly string[];
  readonly pinnedBackend: string | null;
  readonly progress: Progress;
}

/** Operations that come with the checkpoint they continue from. */
export class PrismaCheckpointImport {
  constructor(private readonly prisma: Database) {}

  /** The operation that this submission made before; null: none. */
  async made(submissionKey: string | null): Promise<Operation | null> {
    if (submissionKey === null) return null;
    const row = await withDatabaseErrors(() => this.prisma.operation.findUnique({ where: { submissionKey } }));
    return row && toOperation(row);
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
      }, LIMITS),
    );
    const stored = row ? toOperation(row) : await this.made(operation.submissionKey);
    if (!stored) throw new Error(`import ${operation.id} was neither stored nor found`);
    return stored;
  }
}

/** The operation with its first history row and event, and the checkpoint's row. No row: it was imported before. */
function importStatement(operation: ImportedOperation, checkpoint: CheckpointDraft): Prisma.Sql {
  const { origin, watchdog, createdBy } = operation;
  const { step, epoch } = checkpoint;
  const details = { imported_from: origin?.operationId, checkpoint_id: checkpoint.id, step, epoch };
  return sql`
    WITH u AS (
      INSERT INTO operations (id, type, name, labels, pool, priority, status, version, attempt, event_seq, spec,
        spec_sha256, former_spec_sha256, requirements, pinned_backend, created_by, submission_key, max_recoveries,
        parent_id, origin, watchdog, progress)
      VALUES (${operation.id}, ${operation.type}, ${operation.name}, ${json(operation.labels)}, ${operation.pool},
        ${operation.priority}, 'paused', 1, 1, 2, ${json(operation.spec)}, ${operation.specSha256},
        ${[...operation.formerSpecSha256]}::text[], ${[...operation.requirements]}::text[], ${operation.pinnedBackend},
        ${createdBy}, ${operation.submissionKey}, ${operation.maxRecoveries}, ${operation.parentId}, ${json(origin)},
        ${watchdog === null ? sql`NULL::jsonb` : json(watchdog)}, ${json(operation.progress)})
      ON CONFLICT (submission_key) DO NOTHING
      RETURNING *
    ), c AS (
      INSERT INTO checkpoints (id, operation_id, attempt, seq, kind, step, epoch, created_at, committed_at, manifest_key,
        manifest_sha256, bytes, files, metrics, is_best, parent_id, stall_ms, save_ms, uploaded_bytes)
      SELECT ${checkpoint.id}, u.id, u.attempt, ${checkpoint.seq}, ${checkpoint.kind}, ${checkpoint.step},
        ${checkpoint.epoch}, ${checkpoint.createdAt}, clock_timestamp(), ${checkpoint.manifestKey},
        ${checkpoint.manifestSha256}, ${checkpoint.bytes}, ${json(checkpoint.files)}, ${json(checkpoint.metrics)},
        ${checkpoint.isBest}, ${checkpoint.parentId}, NULL, NULL, NULL
      FROM u
    ), h AS (
      INSERT INTO operation_history (operation_id, n, event, from_status, to_status, actor, attempt, at, details)
      SELECT u.id, 1, 'import', NULL, u.status, ${createdBy}, u.attempt, u.created_at, ${json(details)} FROM u
    ), e AS (
      INSERT INTO events (operation_id, seq, type, attempt, at, data)
      SELECT u.id, 1, 'status', u.attempt, u.created_at, ${json(details)} || jsonb_build_object('event', 'import',
        'from', NULL, 'to', u.status, 'actor', ${createdBy}::text, 'reason', NULL, 'version', 1) FROM u
      UNION ALL
      SELECT u.id, 2, 'checkpoint', u.attempt, u.created_at, ${json({
        checkpoint_id: checkpoint.id,
        kind: checkpoint.kind,
        step: checkpoint.step,
        epoch: checkpoint.epoch,
        bytes: checkpoint.bytes,
        stall_ms: null,
        save_ms: null,
      })} FROM u
    ), ${webhookRows('import')}
    SELECT ${operationColumns('u')} FROM u`;
}

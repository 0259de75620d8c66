import { type Checkpoint, inOrder, type OperationWithCheckpoints } from '@ktrdr/operations';
import { type Database } from '../database/database.js';
import { type Checkpoint as CheckpointRow, Prisma } from '../generated/prisma/client.js';
import { withObjectsAlone } from './objects-lock.js';
import { toOperation } from '../operations/operation-rows.js';
import { checkpointColumns, toCheckpoint } from './checkpoint-rows.js';
import { markVerified } from './mark-damage.js';
import { warnOfExpiry } from './warn-of-expiry.js';

const { sql, raw } = Prisma;

const REMOVED_AT_ONCE = 8;

interface Page {
  readonly afterId: string;
  readonly limit: number;
}

type Client = Pick<Database, 'operation' | 'checkpoint'>;

/** Rows that are to go, and the objects that no row names. */
export class CheckpointGarbageStore {
  constructor(private readonly prisma: Database) {}

  /** Operations that have checkpoints, in the order of their ids. */
  withCheckpoints(page: Page): Promise<readonly OperationWithCheckpoints[]> {
    return this.ofOperations(sql`
      SELECT o.id FROM operations o WHERE o.id > ${page.afterId}
        AND EXISTS (SELECT 1 FROM checkpoints c WHERE c.operation_id = o.id AND c.deleting_at IS NULL)
      ORDER BY o.id LIMIT ${page.limit}`);
  }

  /** Of those, the ones that may have more than their own `keep_last`. */
  beyondKeepLast(page: Page): Promise<readonly OperationWithCheckpoints[]> {
    return this.ofOperations(sql`
      SELECT o.id FROM operations o JOIN checkpoints c ON c.operation_id = o.id AND c.deleting_at IS NULL
      WHERE o.id > ${page.afterId}
      GROUP BY o.id
      HAVING count(*) FILTER (WHERE NOT c.pinned) > coalesce((o.overrides->'checkpoint'->>'keep_last')::int,
        (o.spec->'checkpoint'->>'keep_last')::int, 1)
      ORDER BY o.id LIMIT ${page.limit}`);
  }

  private async ofOperations(ids: Prisma.Sql): Promise<readonly OperationWithCheckpoints[]> {
    const rows = await this.prisma.$queryRaw<{ id: string }[]>(ids);
    const named = rows.map(({ id }) => id);
    return read(this.prisma, named);
  }

  async ofOperation(operationId: string): Promise<OperationWithCheckpoints | null> {
    const [found] = await read(this.prisma, [operationId]);
    return found ?? null;
  }

  /**
   * Marks what `choose` names, decided under the lock that every transition of the operation takes, so that its state
   * cannot change under the decision. Returns what was marked: nothing pinned meanwhile, nothing marked before.
   */
  async markDeleting(
    operationId: string,
    choose: (found: OperationWithCheckpoints) => readonly string[],
  ): Promise<readonly Checkpoint[]> {
    return this.prisma.$transaction(async (tx) => {
      await tx.$queryRaw(sql`SELECT 1 FROM operations WHERE id = ${operationId} FOR UPDATE`);
      const [found] = await read(tx, [operationId]);
      const ids = found ? choose(found) : [];
      if (ids.length === 0) return [];
      const rows = await tx.$queryRaw<{ id: string }[]>(sql`
        UPDATE checkpoints SET deleting_at = clock_timestamp()
        WHERE operation_id = ${operationId} AND id = ANY(${[...ids]}) AND deleting_at IS NULL AND NOT pinned
        RETURNING id`);
      const marked = new Set(rows.map(({ id }) => id));
      return (found?.checkpoints ?? []).filter(({ id }) => marked.has(id));
    });
  }

  async removeRows(ids: readonly string[]): Promise<void> {
    await this.prisma.checkpoint.deleteMany({ where: { id: { in: [...ids] }, deletingAt: { not: null } } });
  }

  /** Bytes of the blobs that no row would name any more if these rows were gone. */
  async bytesFreedBy(ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    const [row] = await this.prisma.$queryRaw<{ bytes: bigint | null }[]>(sql`
      SELECT sum(b.bytes)::bigint AS bytes FROM (
        SELECT max((p->>'bytes')::bigint) AS bytes
        FROM checkpoints c LEFT JOIN unnest(${[...ids]}::text[]) AS gone(id) ON gone.id = c.id, ${partsOf('c')} p
        WHERE gone.id IS NOT NULL OR c.deleting_at IS NULL
        GROUP BY p->>'blob' HAVING bool_and(gone.id IS NOT NULL)
      ) b`);
    return Number(row?.bytes ?? 0);
  }

  async unnamed(kind: 'manifest' | 'blob', keys: readonly string[]): Promise<readonly string[]> {
    const rows = await this.prisma.$queryRaw<{ key: string }[]>(unnamedStatement(kind, keys));
    return rows.map(({ key }) => key);
  }

  /**
   * Calls `remove` for those of `keys` that no row names, while no commit can begin to name one.
   * @throws {ObjectsInUseError} when a commit has been under way for too long; nothing was removed
   */
  async collect(
    kind: 'manifest' | 'blob',
    keys: readonly string[],
    remove: (key: string) => Promise<void>,
  ): Promise<void> {
    if (keys.length === 0) return;
    await withObjectsAlone(this.prisma, async (tx) => {
      const rows = await tx.$queryRaw<{ key: string }[]>(unnamedStatement(kind, keys));
      for (let start = 0; start < rows.length; start += REMOVED_AT_ONCE) {
        await Promise.all(rows.slice(start, start + REMOVED_AT_ONCE).map(({ key }) => remove(key)));
      }
    });
  }

  async soundCheckpoints(page: Page): Promise<readonly Checkpoint[]> {
    const rows = await this.prisma.checkpoint.findMany({
      where: { id: { gt: page.afterId }, deletingAt: null, corruptedAt: null },
      orderBy: { id: 'asc' },
      take: page.limit,
    });
    return rows.map(toCheckpoint);
  }

  /**
   * The one whose bytes were read longest ago, longer than this by the database's clock; never beats long ago. One that
   * was found damaged takes its turn too, as what was missing may have been put back.
   */
  async dueForReading(readBeforeMs: number): Promise<Checkpoint | null> {
    const [row] = await this.prisma.$rows<CheckpointRow>(sql`
      SELECT ${checkpointColumns('c')} FROM checkpoints c
      WHERE c.deleting_at IS NULL AND coalesce(c.corrupted_at, c.verified_at, '-infinity')
        <= clock_timestamp() - ${readBeforeMs}::float8 * interval '1 ms'
      ORDER BY coalesce(c.corrupted_at, c.verified_at, '-infinity'), c.committed_at, c.id LIMIT 1`);
    return row ? toCheckpoint(row) : null;
  }

  /** {@link warnOfExpiry} */
  warnOfExpiry(operationId: string, ids: readonly string[], message: string): Promise<boolean> {
    return warnOfExpiry(this.prisma, operationId, ids, message);
  }

  /** Forgets the warnings of all but these, which need not go any more: should they have to after all, they are new. */
  async forgetExpiryWarnings(except: readonly string[]): Promise<void> {
    await this.prisma.$executeRaw(sql`
      UPDATE checkpoints SET expiry_warned_at = NULL
      WHERE expiry_warned_at IS NOT NULL AND NOT (id = ANY(${[...except]}))`);
  }

  /** What was warned of at least so long ago, by the database's clock. */
  async warnedOfExpiry(agoMs: number): Promise<ReadonlySet<string>> {
    const rows = await this.prisma.$queryRaw<{ id: string }[]>(sql`
      SELECT id FROM checkpoints
      WHERE expiry_warned_at <= clock_timestamp() - ${agoMs}::float8 * interval '1 ms' AND deleting_at IS NULL`);
    return new Set(rows.map(({ id }) => id));
  }

  /** {@link markVerified} */
  markVerified(checkpoint: Pick<Checkpoint, 'id' | 'corruptedAt'>): Promise<boolean> {
    return markVerified(this.prisma, checkpoint);
  }
}

/** The parts of a row's files as a set of JSON documents, `p->>'blob'` and `p->>'bytes'`; a whole file is its own. */
export function partsOf(row: string): Prisma.Sql {
  return raw(`jsonb_array_elements(${row}.files) f, jsonb_array_elements(coalesce(f->'parts', jsonb_build_array(f)))`);
}

/** A condition on a row's files: one of them is, or has a part, in this blob. An index answers it. */
function naming(row: string, blob: string): Prisma.Sql {
  const entry = `jsonb_build_array(jsonb_build_object('blob', ${blob}))`;
  const part = `jsonb_build_array(jsonb_build_object('parts', ${entry}))`;
  return raw(`(${row}.files @> ${entry} OR ${row}.files @> ${part})`);
}

/**
 * A marked row names its manifest until it is removed itself, as its erasure is under way; its blobs it names no more.
 */
function unnamedStatement(kind: 'manifest' | 'blob', keys: readonly string[]): Prisma.Sql {
  const condition =
    kind === 'manifest' ? sql`c.manifest_key = k.key` : sql`c.deleting_at IS NULL AND ${naming('c', 'k.key')}`;
  return sql`
    SELECT k.key FROM unnest(${[...keys]}::text[]) AS k(key)
    WHERE NOT EXISTS (SELECT 1 FROM checkpoints c WHERE ${condition})`;
}

async function read(client: Client, ids: readonly string[]): Promise<readonly OperationWithCheckpoints[]> {
  const where = { operationId: { in: [...ids] }, deletingAt: null };
  const operations = await client.operation.findMany({ where: { id: { in: [...ids] } }, orderBy: { id: 'asc' } });
  const checkpoints = await client.checkpoint.findMany({ where });
  const ofOperation = Map.groupBy(checkpoints, ({ operationId }) => operationId);
  return operations.map((operation) => ({
    operation: toOperation(operation),
    checkpoints: (ofOperation.get(operation.id) ?? []).map(toCheckpoint).sort(inOrder),
  }));
}

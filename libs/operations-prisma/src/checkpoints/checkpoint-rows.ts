import { type Checkpoint, CHECKPOINT_ORDER, type CheckpointDraft } from '@ktrdr/operations';
import { columnOf, columns, json } from '../database/fragments.js';
import { type Checkpoint as CheckpointRow, Prisma } from '../generated/prisma/client.js';
import { pick } from '../operations/operation-rows.js';

const { sql, raw, join } = Prisma;

const { committedAt, expiryWarnedAt, deletingAt, ...FIELDS } = Prisma.CheckpointScalarFieldEnum;
const PROPERTIES = Object.values(FIELDS);

/** The select list that makes `alias`'s rows look like Prisma's own. */
export function checkpointColumns(alias: string): Prisma.Sql {
  return columns(alias, PROPERTIES);
}

export function toCheckpoint(row: Pick<CheckpointRow, keyof Checkpoint>): Checkpoint {
  const uploadedBytes = row.uploadedBytes === null ? null : Number(row.uploadedBytes);
  return { ...pick(row, PROPERTIES), bytes: Number(row.bytes), uploadedBytes } as unknown as Checkpoint;
}

/** {@link CHECKPOINT_ORDER} for the checkpoints `c` of one operation. */
export const IN_ORDER = raw(
  CHECKPOINT_ORDER.map(({ field, first }) => `c.${columnOf(field)} ${first === 'null' ? 'IS NOT NULL' : 'DESC'}`).join(
    ', ',
  ),
);

/** A checkpoint as JSON of its row: its instants are text. */
export type CheckpointJson = Record<keyof Checkpoint, unknown>;

/** The checkpoints of the operation in row `alias`, in order, as one JSON value of that row. */
export function checkpointsOf(alias: string): Prisma.Sql {
  const fields = PROPERTIES.map((property) => `'${property}', c.${columnOf(property)}`);
  return raw(`(
    SELECT coalesce(jsonb_agg(jsonb_build_object(${fields.join(', ')}) ORDER BY ${IN_ORDER.sql}), '[]')
    FROM checkpoints c WHERE c.operation_id = ${alias}.id AND c.deleting_at IS NULL)`);
}

const INSTANTS = PROPERTIES.filter((property) => property.endsWith('At'));

export function fromCheckpointJson(row: CheckpointJson): Checkpoint {
  const values = { ...row };
  for (const name of INSTANTS) if (row[name] !== null) values[name] = new Date(row[name] as string);
  return toCheckpoint(values as CheckpointRow);
}

const { operationId, attempt, pinned, corruptedAt, verifiedAt, supersededAt, ...DRAFTED } = FIELDS;
type Committed = CheckpointDraft & Pick<Checkpoint, 'operationId' | 'attempt'>;

/**
 * Writes the row of a checkpoint that is committed now.
 * @param values what is inserted, for each row of `from`
 */
export function insertCheckpoint(values: Readonly<Record<keyof Committed, Prisma.Sql>>, from: Prisma.Sql): Prisma.Sql {
  return sql`
    INSERT INTO checkpoints (${raw(Object.keys(values).map(columnOf).join(', '))}, committed_at)
    SELECT ${join(Object.values(values))}, clock_timestamp() FROM ${from}`;
}

/** The values of a draft. */
export function draftedValues(draft: CheckpointDraft): Readonly<Record<keyof CheckpointDraft, Prisma.Sql>> {
  return draftedBy((property) =>
    property === 'files' || property === 'metrics' ? json(draft[property]) : sql`${draft[property]}`,
  );
}

/** The values of another checkpoint's row. */
export function copiedValues(alias: string): Readonly<Record<keyof CheckpointDraft, Prisma.Sql>> {
  return draftedBy((property) => raw(`${alias}.${columnOf(property)}`));
}

function draftedBy(value: (property: keyof CheckpointDraft) => Prisma.Sql) {
  const values = Object.values(DRAFTED).map((property) => [property, value(property)]);
  return Object.fromEntries(values) as Record<keyof CheckpointDraft, Prisma.Sql>;
}

/** The event of a commit, as JSON. */
export function committedEvent(draft: CheckpointDraft): Prisma.Sql {
  return json({
    checkpoint_id: draft.id,
    kind: draft.kind,
    step: draft.step,
    epoch: draft.epoch,
    bytes: draft.bytes,
    stall_ms: draft.stallMs,
    save_ms: draft.saveMs,
  });
}

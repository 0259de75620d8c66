import type {
  AttemptRecord,
  HistoryEntry,
  MetricPointRecord,
  Operation,
  OperationEventRecord,
} from '@ktrdr/operations';
import { columns } from '../database/fragments.js';
import {
  type Attempt as AttemptRow,
  type HistoryEntry as HistoryRow,
  type MetricPoint as MetricPointRow,
  Prisma,
} from '../generated/prisma/client.js';

const { submissionKey, progressAt, ...FIELDS } = Prisma.OperationScalarFieldEnum;
const PROPERTIES = Object.values(FIELDS);

/** What of an operation's row becomes the operation. The database's constraints and its writers keep the types. */
export type OperationRow = Readonly<
  Record<Exclude<keyof Operation, keyof Clocks | 'id'>, unknown> &
    Record<keyof Clocks, bigint | string | number> & { id: string }
>;
type Clocks = Pick<Operation, 'queuedMs' | 'activeMs' | 'pausedMs'>;

/** The select list that makes `alias`'s rows look like Prisma's own. */
export function operationColumns(alias: string): Prisma.Sql {
  return columns(alias, PROPERTIES);
}

export function toOperation(row: OperationRow): Operation {
  const clocks = { queuedMs: Number(row.queuedMs), activeMs: Number(row.activeMs), pausedMs: Number(row.pausedMs) };
  return { ...pick(row, PROPERTIES), ...clocks } as Operation;
}

/** These properties of a row, whatever else its statement has returned. */
export function pick<Row extends object, Property extends keyof Row>(
  row: Row,
  properties: readonly Property[],
): Pick<Row, Property> {
  const picked: Partial<Pick<Row, Property>> = {};
  for (const property of properties) picked[property] = row[property];
  return picked as Pick<Row, Property>;
}

export function toHistoryEntry({ operationId: _, ...row }: HistoryRow): HistoryEntry {
  return row as HistoryEntry;
}

export function toAttempt(row: AttemptRow): AttemptRecord {
  return pick(row, ['attempt', 'workerId', 'startStep', 'startEpoch', 'checkpointId', 'outcome']);
}

export function toMetricPoint({ step, epoch, attempt, at, values }: MetricPointRow): MetricPointRecord {
  return { step, epoch, attempt, at, values: values as MetricPointRecord['values'] };
}

/** The columns of an event that are shown. */
export const EVENT_PROPERTIES = ['operationId', 'seq', 'type', 'attempt', 'at', 'data'] as const;

export type EventRow = Readonly<Record<(typeof EVENT_PROPERTIES)[number], unknown>>;

export function toEvent(row: EventRow): OperationEventRecord {
  return pick(row, EVENT_PROPERTIES) as OperationEventRecord;
}

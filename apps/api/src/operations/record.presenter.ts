import type { EventView, HistoryPage, ResultView } from '@ktrdr/contracts';
import {
  type Checkpoint,
  finalOf,
  type HistoryEntry,
  type Operation,
  type OperationEventRecord,
  type OperationStatus,
} from '@ktrdr/operations';
import type { ForkEntry } from '@ktrdr/operations-prisma';
import { NoResultError } from '../http/errors.js';
import { toCheckpointSummary } from './operation.presenter.js';

type Entry = HistoryPage['items'][number];

interface RecordedFork {
  readonly version: number;
  readonly status: OperationStatus;
  readonly actor: string;
  readonly operation_id: string;
}

/** Transitions, and between them the forks that were made, which change nothing of the operation itself. */
export function toHistory(entries: readonly HistoryEntry[], forks: readonly ForkEntry[]): Entry[] {
  const transitions = entries.map(({ at, details, ...entry }) => ({
    ...entry,
    at: at.toISOString(),
    details: { ...details },
  }));
  return [...transitions, ...forks.map(toForkEntry)].sort((a, b) => a.n - b.n || (a.at < b.at ? -1 : 1));
}

function toForkEntry({ at, attempt, data }: ForkEntry): Entry {
  // written by the fork statement, and nowhere else
  const { version, status, actor, ...details } = data as unknown as RecordedFork;
  const unmoved = { n: version, event: 'fork', from: status, to: status };
  return { ...unmoved, actor, reason: `as ${details.operation_id}`, attempt, at: at.toISOString(), details };
}

export function toEventView({ operationId, seq, type, attempt, at, data }: OperationEventRecord): EventView {
  return { operation_id: operationId, seq, type, attempt, at: at.toISOString(), data: { ...data } };
}

/** @throws {NoResultError} before it is completed */
export function toResultView({ id, status, result }: Operation, checkpoints: readonly Checkpoint[]): ResultView {
  if (status !== 'completed' || !result) throw new NoResultError({ operation_id: id, status });
  const final = finalOf(checkpoints);
  return {
    operation_id: id,
    result: { ...result },
    checkpoint: final ? toCheckpointSummary(final) : null,
    files: final ? [...final.files] : [],
  };
}

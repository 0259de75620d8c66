import type { HistoryPage } from '@ktrdr/contracts';
import type { HistoryEntry, OperationStatus } from '@ktrdr/operations';
import type { ForkEntry } from '@ktrdr/operations-prisma';

type Entry = HistoryPage['items'][number];

interface ToldFork {
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
  const { version, status, actor, ...details } = data as unknown as ToldFork;
  const unmoved = { n: version, event: 'fork', from: status, to: status };
  return { ...unmoved, actor, reason: `as ${details.operation_id}`, attempt, at: at.toISOString(), details };
}

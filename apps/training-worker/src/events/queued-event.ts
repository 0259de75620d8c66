import type { WorkerEvent } from '@ktrdr/contracts';

/** An event that waits to be sent, as the text that is sent and written to disk. */
export interface QueuedEvent {
  /** The attempt that it belongs to. */
  readonly key: string;
  readonly n: number;
  readonly type: WorkerEvent['body']['type'];
  readonly line: string;
  /** Of the line, with its end. */
  readonly bytes: number;
}

/** What an event in memory takes beside its text. */
const OVERHEAD_BYTES = 160;
/** The beginning of every line of {@link toQueued}. */
const LINE = /^\{"n":(\d+),"operation_id":"([^"\\]*)","attempt":(\d+),.*?"body":\{"type":"([a-z]+)"/;

export function keyOf(operationId: string, attempt: number): string {
  return `${operationId}:${attempt}`;
}

export function toQueued({ n, operation_id, attempt, worker_id, at, body }: WorkerEvent): QueuedEvent {
  const { type, ...fields } = body;
  const line = JSON.stringify({ n, operation_id, attempt, worker_id, at, body: { type, ...fields } });
  return { key: keyOf(operation_id, attempt), n, type, line, bytes: Buffer.byteLength(line) + 1 };
}

/** Null: a line that a crash or a full disk has cut. */
export function parseQueued(line: string): QueuedEvent | null {
  const [, n, operationId = '', attempt, type] = LINE.exec(line) ?? [];
  if (!type || !line.endsWith('}}')) return null;
  const bytes = Buffer.byteLength(line) + 1;
  return { key: keyOf(operationId, Number(attempt)), n: Number(n), type: type as QueuedEvent['type'], line, bytes };
}

/** What events take in memory, about. */
export function memoryOf(events: readonly QueuedEvent[]): number {
  return events.reduce((sum, { bytes }) => sum + bytes + OVERHEAD_BYTES, 0);
}

/** A warning in the place of an event, under its number. */
export function warningInPlaceOf({ line }: QueuedEvent, code: string, message: string): QueuedEvent {
  return toQueued({ ...(JSON.parse(line) as WorkerEvent), body: { type: 'warning', code, message } });
}

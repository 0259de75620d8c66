import type { Figure, Position } from './checkpoint.js';
import type { OperationStatus } from './status.js';
import type { OperationEvent } from './transitions.js';

export interface HistoryEntry {
  readonly n: number;
  readonly event: OperationEvent;
  readonly from: OperationStatus | null;
  readonly to: OperationStatus;
  readonly actor: string;
  readonly reason: string | null;
  readonly attempt: number;
  readonly at: Date;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface OperationEventRecord {
  readonly operationId: string;
  readonly seq: number;
  readonly type: string;
  readonly attempt: number;
  readonly at: Date;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface MetricPointRecord extends Position {
  readonly attempt: number;
  readonly at: Date;
  readonly values: Readonly<Record<string, Figure>>;
}

/** Where the history of an operation's attempts says that it trained from. */
export interface AttemptRecord {
  readonly attempt: number;
  readonly workerId: string;
  readonly startStep: number | null;
  readonly startEpoch: number | null;
  readonly checkpointId: string | null;
  readonly outcome: string | null;
}

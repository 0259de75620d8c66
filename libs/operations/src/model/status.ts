/** Where an operation can be. PostgreSQL refuses any other value. */
export const OPERATION_STATUSES = [
  'queued',
  'running',
  'pausing',
  'paused',
  'resuming',
  'cancelling',
  'cancelled',
  'completed',
  'failed',
] as const;

export type OperationStatus = (typeof OPERATION_STATUSES)[number];

/** A worker holds a lease in these. */
export const LEASED_STATUSES = ['running', 'pausing', 'cancelling'] as const satisfies readonly OperationStatus[];

/** The operation waits for a worker in these. */
export const WAITING_STATUSES = ['queued', 'resuming'] as const satisfies readonly OperationStatus[];

/** Nothing happens in these without a request. */
const SETTLED_STATUSES = ['paused', 'cancelled', 'completed', 'failed'] as const satisfies readonly OperationStatus[];

export function isLeased(status: OperationStatus): boolean {
  return (LEASED_STATUSES as readonly OperationStatus[]).includes(status);
}

export function isWaiting(status: OperationStatus): boolean {
  return (WAITING_STATUSES as readonly OperationStatus[]).includes(status);
}

export function isSettled(status: OperationStatus): boolean {
  return (SETTLED_STATUSES as readonly OperationStatus[]).includes(status);
}

/** Why a pause was requested. */
export const PAUSE_CAUSES = ['manual', 'schedule', 'budget', 'resource', 'shutdown', 'error', 'stall'] as const;
export type PauseCause = (typeof PAUSE_CAUSES)[number];

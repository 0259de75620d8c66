import type { OperationStatus } from '../model/status.js';
import type { ClientAction } from '../model/transitions.js';

/** Where an operation has already what the action is for, or can never have it. */
const BESIDE_THE_POINT: Readonly<Partial<Record<ClientAction, readonly OperationStatus[]>>> = {
  pause: ['pausing', 'paused', 'cancelling', 'cancelled', 'completed', 'failed'],
  resume: ['queued', 'running', 'resuming', 'completed'],
  cancel: ['cancelling', 'cancelled', 'completed', 'failed'],
};

/**
 * True when an action on many operations cannot mean one in this status: it stands still already, runs already, or has
 * ended. That is no refusal, as nobody who was meant goes without.
 */
export function isPassedOver(status: OperationStatus, action: ClientAction): boolean {
  return BESIDE_THE_POINT[action]?.includes(status) ?? false;
}

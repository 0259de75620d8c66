import { DomainError } from '@ktrdr/errors';
import type { StartControl } from './control-queue.js';
import { OperationTypeError } from './errors.js';
import { generateData } from './generation/data-generation.js';
import { runTraining, type TrainingPorts } from './training-session.js';
import type { LoopOutcome } from './training-loop.js';

/** What this trainer can run. */
export const OPERATION_TYPES = ['training', 'data_generation'] as const;

/** What a session needs from its process. The spool directory comes with the start. */
export interface SessionPorts extends TrainingPorts {
  /** Logs a failure that is not the user's, with its stack. */
  readonly logError: (error: unknown) => void;
}

/** Serves one `start` to its end and reports everything through `emit`. Never throws; a failure is a `failed` event. */
export async function serveOperation(start: StartControl, ports: SessionPorts): Promise<LoopOutcome | 'failed'> {
  try {
    return await run(start, ports);
  } catch (error) {
    const isDomain = error instanceof DomainError;
    if (!isDomain) ports.logError(error);
    ports.emit({
      type: 'failed',
      code: isDomain ? error.code : isOutOfMemory(error) ? 'trainer-out-of-memory' : 'internal',
      message: error instanceof Error ? error.message : String(error),
      details: isDomain ? { ...error.details } : {},
    });
    return 'failed';
  }
}

async function run(start: StartControl, ports: SessionPorts): Promise<LoopOutcome> {
  switch (start.operation_type) {
    case 'training':
      return runTraining(start, ports);
    case 'data_generation':
      return generateData(start, ports);
    default:
      throw new OperationTypeError(start.operation_type, OPERATION_TYPES);
  }
}

/** What V8 throws when an array cannot be had. A heap that is full ends the process instead. */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof RangeError && /allocation failed|out of memory/i.test(error.message);
}

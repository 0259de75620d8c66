import type { WorkerRpcRequest } from '@ktrdr/contracts';
import type { TrainerExit } from './ports.js';

export type ReportedError = WorkerRpcRequest<'failed'>['error'];

const KILLED_EXIT_CODE = 137;
const ABORT_EXIT_CODE = 134;
const HEAP_EXHAUSTED = /heap out of memory|heap limit|bad_alloc|Cannot allocate memory|OutOfMemory/i;

/** Why a trainer that was not told to end is gone. */
export function toTrainerError({ code, signal, stderrTail, violation }: TrainerExit): ReportedError {
  const details = { exit_code: code, signal, stderr: [...stderrTail] };
  if (violation) return { code: 'trainer-protocol-violated', message: violation, details };
  const how = signal ? `by ${signal}` : `with exit code ${code}`;
  const aborted = signal === 'SIGABRT' || code === ABORT_EXIT_CODE;
  const heapExhausted = stderrTail.some((line) => HEAP_EXHAUSTED.test(line));
  if (signal === 'SIGKILL' || code === KILLED_EXIT_CODE || (aborted && heapExhausted)) {
    const message =
      `The trainer ended ${how}: it ran out of memory, or somebody killed it. ` +
      'Use a smaller batch_size or model, or a machine with more memory, and resume';
    return { code: 'trainer-out-of-memory', message, details };
  }
  const last = stderrTail.at(-1);
  const message = `The trainer ended ${how} before it was done${last ? `; its last words were: ${last}` : ''}`;
  return { code: 'trainer-crashed', message, details };
}

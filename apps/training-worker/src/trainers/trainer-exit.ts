import type { WorkerRpcRequest } from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import type { TrainerExit } from './ports.js';

export type ReportedError = WorkerRpcRequest<'failed'>['error'];

const KILLED_EXIT_CODE = 137;
/** EX_CONFIG of sysexits.h: another try would fail in the same way. */
const REFUSED_EXIT_CODE = 78;
/** The out-of-memory messages of V8, C++, Python, CUDA and the system. */
const OUT_OF_MEMORY =
  /out of memory|heap limit|array buffer allocation failed|bad_alloc|cannot allocate memory|MemoryError|OutOfMemory/i;
const REASON = /^FATAL ERROR|^(?:Uncaught )?[\w.]*(?:Error|Exception)\b/;
/** Stack frames and what Node.js puts under them. */
const FRAME = /^\s*$|^\s+at |^Node\.js v\d|^\s*\d+: 0x/;

/** Whether a line of stderr names the cause, and is worth more than the stack trace around it. */
export function namesCause(line: string): boolean {
  return REASON.test(line) || OUT_OF_MEMORY.test(line);
}

/** Why a trainer ended by itself. Out of memory only where its stderr says so: a kill looks the same. */
export function toTrainerError({ code, signal, stderrTail, violation }: TrainerExit): ReportedError {
  const details = { exit_code: code, signal, stderr: [...stderrTail] };
  if (violation) return { code: 'trainer-protocol-violated', message: violation, details };
  const how = signal ? `by ${signal}` : `with exit code ${code}`;
  const last = stderrTail.findLast(namesCause) ?? stderrTail.findLast((line) => !FRAME.test(line));
  const words = last ? `; its last line was: ${last.trimEnd().replace(/(?<!\.)\.$/, '')}` : '';
  if (code !== 0 && stderrTail.some((line) => OUT_OF_MEMORY.test(line))) {
    const advice = 'Use a smaller batch_size or model, or a machine with more memory, and resume';
    return {
      code: 'trainer-out-of-memory',
      message: `The trainer ended ${how} out of memory${words}. ${advice}`,
      details,
    };
  }
  if (code === REFUSED_EXIT_CODE) {
    const message = `The program cannot run here (exit code ${code})${words}. It is not retried automatically: fix that, then resume`;
    return { code: 'trainer-refused', message, details };
  }
  const wasKilled = signal === 'SIGKILL' || code === KILLED_EXIT_CODE;
  const hint = wasKilled
    ? '. A person or a system short of memory killed it: see the kernel log or the container status'
    : '';
  return { code: 'trainer-crashed', message: `The trainer ended ${how} before it was done${words}${hint}`, details };
}

/** Anything thrown, as it is reported. */
export function toReportedError(error: unknown): ReportedError {
  if (error instanceof DomainError) return { code: error.code, message: error.message, details: { ...error.details } };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error), details: {} };
}

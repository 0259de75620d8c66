import { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { TrainerEvent } from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import type { Failpoints } from '@ktrdr/failpoints';
import { findBackends, type FoundBackend, OPERATION_TYPES, serveOperation, TRAINER } from '@ktrdr/trainer';
import { openControlChannel } from './control-lines.js';

const CONTROL_FD = 3;
const EVENTS_FD = 4;

export interface TrainerSurroundings {
  /** What is done before the trainer says that it is ready, so that no operation has to wait for it. */
  readonly rehearse: (backends: readonly FoundBackend[]) => Promise<void>;
  /** Lets the event loop deliver messages and finish writes; called between all steps. */
  readonly yieldToEventLoop: () => Promise<void>;
  readonly failpoints: Failpoints;
}

/**
 * The child process: says `ready` when it could train, serves one `start`, and ends with exit code 0 after
 * `completed`, `stopped` or `failed` has been handed over. It ends at once when the supervisor is gone, and leaves
 * SIGINT and SIGTERM to the supervisor.
 */
export async function runTrainer({ rehearse, yieldToEventLoop, failpoints }: TrainerSurroundings): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  const events = new Socket({ fd: EVENTS_FD, readable: false, writable: true });
  const orphaned = () => process.exit(1);
  events.on('error', orphaned);
  const emit = (event: TrainerEvent) => {
    events.write(`${JSON.stringify(event)}\n`);
  };
  let phase: 'idle' | 'training' | 'done' = 'idle';
  const channel = openControlChannel(new Socket({ fd: CONTROL_FD, readable: true, writable: false }), () => {
    if (phase === 'training') orphaned();
    else if (phase === 'idle') process.exit(0);
  });
  const backends = await findBackends();
  for (const backend of backends)
    if (!backend.usable && backend.isBroken) process.stderr.write(`${backend.name} is not used: ${backend.problem}\n`);
  // Only for speed: an operation that needs what is missing here fails with the reason.
  await rehearse(backends).catch((error: unknown) => process.stderr.write(`no rehearsal: ${String(error)}\n`));
  emit({
    type: 'ready',
    trainer: TRAINER.name,
    version: TRAINER.version,
    pid: process.pid,
    backends: backends.flatMap(({ name, usable }) => (usable ? [name] : [])),
    backend_versions: Object.fromEntries(
      backends.flatMap(({ name, ...found }) => (found.usable && found.version !== null ? [[name, found.version]] : [])),
    ),
    operation_types: [...OPERATION_TYPES],
  });
  try {
    const start = await channel.start;
    phase = 'training';
    await serveOperation(start, {
      backends,
      requests: channel.requests,
      emit,
      now: () => performance.now(),
      yieldToEventLoop,
      failpoints,
      pause: (ms) => pause(ms),
      logError: (error) => process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`),
    });
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    emit({ type: 'failed', code: error.code, message: error.message, details: { ...error.details } });
  }
  phase = 'done';
  events.end(() => process.exit(0));
}

import type { TrainerCommand } from '../supervisor/trainer-process.js';

/** The descriptor whose end is the supervisor's: nobody writes to it, and it closes when the supervisor ends. */
export const GUARD_FD = 5;

/**
 * A shell that becomes the program, and before that leaves a watcher behind in its process group. When the supervisor is
 * gone, however that came about, or has let go of a program that ended, the watcher ends the whole group: a program that
 * knows nothing of its supervisor does not outlive it, and neither does what it started. Exit code, signals and process
 * id are the program's own.
 */
const GUARD = `{ trap '' HUP INT QUIT TERM USR1 USR2; read -r _; kill -KILL -$$; } <&${GUARD_FD} >/dev/null 2>&1 3<&- 4>&- &
exec "$@" ${GUARD_FD}<&-`;

export function guarded(program: string, args: readonly string[]): Pick<TrainerCommand, 'command' | 'args'> {
  return { command: '/bin/sh', args: ['-c', GUARD, 'ktrdr-guard', program, ...args] };
}

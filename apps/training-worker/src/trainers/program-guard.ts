import { existsSync } from 'node:fs';

/** How a program is started. */
export interface ProgramCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** The descriptor of the pipe whose end means that the supervisor is gone, or wants the trainer's whole group gone. */
export const GUARD_FD = 5;

/**
 * A shell of about a megabyte beside the trainer, in its process group. It waits for the end of a pipe that only the
 * supervisor holds, then kills the group, itself included: so a trainer that cannot notice (a loop that never yields, a
 * stopped process, a library that hangs) does not outlive its supervisor. While the guard lives, the system does not
 * reuse the group's number. It is no child of the trainer, and holds none of its pipes.
 */
const GUARDED = [
  '(',
  `  ( trap '' HUP INT TERM; read -r _ <&${GUARD_FD}; kill -9 0 ) </dev/null >/dev/null 2>&1 3<&- 4>&- &`,
  ')',
  `exec ${GUARD_FD}<&-`,
  'exec "$@"',
].join('\n');

const SHELL = '/bin/sh';

/**
 * The same command with a guard; the trainer keeps the process id that the spawn returns. Where there is no shell, the
 * closing of fd 3 has to do.
 */
export function withGuard(wanted: ProgramCommand): ProgramCommand {
  if (!existsSync(SHELL)) return wanted;
  const { command, args } = wanted;
  return { ...wanted, command: SHELL, args: ['-c', GUARDED, 'ktrdr-trainer', command, ...args] };
}

import { isAbsolute } from 'node:path';
import type { Logger } from 'pino';
import { WorkerConfigurationError } from '../../config.js';
import { AllowedPrograms } from './allowed-programs.js';
import { type ProcessTrainerSettings, searchPathOf } from './process-trainers.js';

/**
 * Compares the operator's list with the machine. A missing program is a warning, as it may be installed later. With none
 * of them present, the worker would claim such operations only to fail them.
 * @throws {WorkerConfigurationError} no program of the list is present
 */
export async function assertProgramsPresent(
  settings: ProcessTrainerSettings | null,
  log: Pick<Logger, 'warn'>,
): Promise<void> {
  if (!settings) return;
  const { programs, programDir, env } = settings;
  const places = { allowed: programs, searchPath: searchPathOf(env), folder: programDir };
  const absent = await new AllowedPrograms(places).absent();
  if (absent.length === 0) return;
  if (absent.length === programs.length) {
    const what = absent.map(whatIsMissing).join(', ');
    throw new WorkerConfigurationError([`KTRDR_PROCESS_PROGRAMS names nothing that is on this machine: ${what}`]);
  }
  log.warn({ programs: absent }, 'some of KTRDR_PROCESS_PROGRAMS are not on this machine');
}

function whatIsMissing(entry: string): string {
  if (!entry.includes('/')) return `no program ${entry} is on the PATH`;
  return isAbsolute(entry)
    ? `${entry} is neither a program nor a folder`
    : `${entry} is no program (of a folder say the whole path)`;
}

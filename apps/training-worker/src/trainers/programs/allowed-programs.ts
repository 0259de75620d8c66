import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { basename, delimiter, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { TrainerNotAllowedError, TrainerNotFoundError } from './errors.js';

/** Which programs operations may bring: names, files and folders, or `*` for every one. */
const ANY_PROGRAM = '*';

export interface ProgramPlaces {
  /** Entries of the operator's list. */
  readonly allowed: readonly string[];
  /** `PATH`, for names without a slash. */
  readonly searchPath: string;
  /** The folder of relative paths. */
  readonly folder: string;
}

/**
 * Finds the program of a spec and compares it with the operator's list. The place of a program counts, not its name.
 * Symbolic links on the way to its folder are followed; the last one is not, as the folder's owner made it.
 */
export class AllowedPrograms {
  constructor(private readonly places: ProgramPlaces) {}

  /**
   * @returns the path to run
   * @throws TrainerNotFoundError, TrainerNotAllowedError
   */
  async locate(program: string): Promise<string> {
    const path = await this.find(program);
    if (!path) throw new TrainerNotFoundError(program, 'there is no such executable file');
    if (!(await this.isAllowed(path))) {
      throw new TrainerNotAllowedError(
        program,
        'it is none of those that the operator names in KTRDR_PROCESS_PROGRAMS',
      );
    }
    return path;
  }

  /** Entries of the list that name nothing on this machine. */
  async absent(): Promise<readonly string[]> {
    const absent: string[] = [];
    for (const entry of this.places.allowed) {
      const isThere =
        entry === ANY_PROGRAM || (await this.find(entry)) !== null || (isAbsolute(entry) && (await isFolder(entry)));
      if (!isThere) absent.push(entry);
    }
    return absent;
  }

  private async find(program: string): Promise<string | null> {
    const { searchPath, folder } = this.places;
    const candidates = program.includes('/')
      ? [resolve(folder, program)]
      : searchPath.split(delimiter).flatMap((place) => (isAbsolute(place) ? [join(place, program)] : []));
    for (const candidate of candidates) {
      if (await isExecutable(candidate)) return placeOf(candidate);
    }
    return null;
  }

  private async isAllowed(path: string): Promise<boolean> {
    for (const entry of this.places.allowed) {
      if (entry === ANY_PROGRAM) return true;
      const allowed = isAbsolute(entry) ? await placeOf(entry).catch(() => null) : await this.find(entry);
      if (allowed === path) return true;
      const folder = await realpath(entry).catch(() => null);
      if (folder && isAbsolute(entry) && path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`))
        return true;
    }
    return false;
  }
}

async function placeOf(path: string): Promise<string> {
  return join(await realpath(dirname(path)), basename(path));
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}

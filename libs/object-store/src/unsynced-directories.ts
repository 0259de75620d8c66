import { dirname } from 'node:path';

/** What was changed in a directory by the time somebody set out to fsync it. */
type Noted = ReadonlyMap<string, ReadonlySet<symbol>>;

/**
 * Directories in which others were made that no fsync has made durable yet. Who writes below one of those, though somebody
 * else has made it, promises that too.
 */
export class UnsyncedDirectories {
  private readonly changes = new Map<string, Set<symbol>>();

  /** Something was made in it. */
  add(directory: string): void {
    const changes = this.changes.get(directory) ?? new Set();
    this.changes.set(directory, changes.add(Symbol(directory)));
  }

  /** Those above `path` that have to be fsynced. */
  above(path: string): Noted {
    const noted = new Map<string, ReadonlySet<symbol>>();
    for (let dir = dirname(path); dir !== dirname(dir); dir = dirname(dir)) {
      const changes = this.changes.get(dir);
      if (changes) noted.set(dir, new Set(changes));
    }
    return noted;
  }

  /** They were fsynced; what was changed in them since is not covered by that. */
  remove(noted: Noted): void {
    for (const [directory, covered] of noted) {
      const left = this.changes.get(directory);
      for (const change of covered) left?.delete(change);
      if (left?.size === 0) this.changes.delete(directory);
    }
  }
}

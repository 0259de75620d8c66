import { dirname, resolve } from 'node:path';

/** Forgotten all at once when there are more: to sync one again costs little. */
const KNOWN_AT_MOST = 10_000;

/**
 * Directories of a store that are known to survive a power cut: since they were made, the directory that they are in has
 * been fsynced. Who writes below one of which that is not known sees to it, for whoever has made it, another process
 * perhaps, may not live to do so.
 */
export class DurableDirectories {
  private readonly known = new Set<string>();

  private readonly root: string;

  /** @param root absolute, and itself seen to by whoever has made it. */
  constructor(root: string) {
    this.root = resolve(root);
  }

  /** It was made just now. */
  made(directory: string): void {
    this.known.delete(directory);
  }

  /** Those above `path`, below the root, of which nothing is known. */
  doubtful(path: string): readonly string[] {
    const doubtful: string[] = [];
    for (let dir = dirname(path); dir.startsWith(`${this.root}/`); dir = dirname(dir)) {
      if (!this.known.has(dir)) doubtful.push(dir);
    }
    return doubtful;
  }

  /** The directories that they are in were fsynced. */
  keep(directories: readonly string[]): void {
    if (this.known.size > KNOWN_AT_MOST) this.known.clear();
    for (const directory of directories) this.known.add(directory);
  }
}

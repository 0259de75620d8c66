import { dirname, resolve } from 'node:path';

/** Forgotten all at once when there are more: to sync one again costs little. */
const KNOWN_AT_MOST = 10_000;

/**
 * Directories of a store that are known to survive a power cut: their parent was fsynced after they were made. A write
 * below any other directory fsyncs its parent itself, because the process that made it may be dead.
 */
export class DurableDirectories {
  private readonly known = new Set<string>();

  private readonly root: string;

  /** @param root absolute; `makeDirectoryDurably` made it. */
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

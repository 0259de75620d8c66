import type { CompletionSpec } from '@ktrdr/contracts';

/** A `checkpoint-<step>` directory as it is at one moment. */
export interface DirectoryState {
  readonly step: number;
  /** Changes when anything in it does. */
  readonly fingerprint: string;
  /** Names of the files directly in it. */
  readonly names: readonly string[];
  readonly files: number;
}

/** How far the program is: only one that ran to its own end can have left something whole behind without saying so. */
export type ProgramState = 'running' | 'ended-well' | 'ended-badly';

interface Watched {
  fingerprint: string;
  /** Monotonic milliseconds, since when it has been as it is. */
  since: number;
  isQuiet: boolean;
}

/**
 * Says which checkpoint directories are complete. One that is still being written never is, and neither is one whose
 * writer was ended in the middle:
 *
 * - `rename`: what has the name was renamed to it, which happens at once or not at all.
 * - `marker`: the marker file is there, and it is written last.
 * - `quiet`: nothing in it changed for the time while the program ran; or a directory of a later step was begun; or the
 *   program ended by itself with exit code 0. What changes afterwards has to become quiet again.
 *
 * An empty directory is no checkpoint.
 */
export class Completeness {
  private readonly watched = new Map<number, Watched>();

  constructor(private readonly rule: CompletionSpec) {}

  /** The complete ones of these, which are all that there are, by step. */
  completeOf(directories: readonly DirectoryState[], program: ProgramState, nowMs: number): readonly DirectoryState[] {
    const newest = Math.max(...directories.map(({ step }) => step));
    for (const directory of directories) this.watch(directory, program, nowMs);
    return directories
      .filter((directory) => directory.files > 0 && this.isComplete(directory, program, newest))
      .toSorted((a, b) => a.step - b.step);
  }

  private isComplete({ step, names }: DirectoryState, program: ProgramState, newestStep: number): boolean {
    const { rule } = this;
    switch (rule.by) {
      case 'rename':
        return true;
      case 'marker':
        return names.includes(rule.file);
      case 'quiet':
        return step < newestStep || program === 'ended-well' || (this.watched.get(step)?.isQuiet ?? false);
    }
  }

  private watch({ step, fingerprint }: DirectoryState, program: ProgramState, nowMs: number): void {
    const { rule } = this;
    if (rule.by !== 'quiet') return;
    const known = this.watched.get(step);
    if (known?.fingerprint !== fingerprint) {
      this.watched.set(step, { fingerprint, since: nowMs, isQuiet: false });
      return;
    }
    // The silence of a program that is gone says nothing.
    if (program === 'running' && nowMs - known.since >= rule.seconds * 1_000) known.isQuiet = true;
  }
}

import type { CompletionSpec } from '@ktrdr/specs';

/** A `checkpoint-<step>` directory as it is at one moment. */
export interface DirectoryState {
  readonly step: number;
  /** Changes when anything in it does. */
  readonly fingerprint: string;
  /** By `marker`: its marker file is there. */
  readonly isMarked: boolean;
  /** How many files there are in it and its folders. */
  readonly count: number;
}

/**
 * The state of the program. One that ran to its own end has left its last directory whole. One that ended on a signal
 * can have been anywhere, whatever its exit code.
 */
export type ProgramState = 'running' | 'ended-well' | 'ended-on-signal' | 'ended-badly';

/** What a look at a place finds besides the directory in question. */
export interface Look {
  readonly program: ProgramState;
  /** The newest step that there is a directory of. */
  readonly newestStep: number;
  /** Monotonic. */
  readonly nowMs: number;
}

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
 *   program ended by itself with exit code 0. What changes afterwards has to become quiet again. What was begun before
 *   the signal to end may have been interrupted: neither later directories nor the exit code show that it is whole.
 *
 * An empty directory is no checkpoint.
 */
export class Completeness {
  private readonly watched = new Map<number, Watched>();
  private begunBeforeSignal: ReadonlySet<number> = new Set();
  private newestBeforeSignal = -1;

  constructor(private readonly rule: CompletionSpec) {}

  /** The program gets the signal to end now. @param steps of the directories that exist. */
  signalled(steps: readonly number[]): void {
    this.begunBeforeSignal = new Set(steps);
    this.newestBeforeSignal = steps.reduce((newest, step) => Math.max(newest, step), -1);
  }

  /** To be asked at each look, of every directory that may have changed since the last. */
  isComplete(directory: DirectoryState, look: Look): boolean {
    if (directory.count === 0) return false;
    const { rule } = this;
    switch (rule.by) {
      case 'rename':
        return true;
      case 'marker':
        return directory.isMarked;
      case 'quiet':
        return this.isQuiet(directory, look, rule.seconds * 1_000) || this.isLeftBehind(directory.step, look);
    }
  }

  private isQuiet({ step, fingerprint }: DirectoryState, { program, nowMs }: Look, quietMs: number): boolean {
    const known = this.watched.get(step);
    if (known?.fingerprint !== fingerprint) {
      this.watched.set(step, { fingerprint, since: nowMs, isQuiet: false });
      return false;
    }
    // The silence of a program that is gone says nothing.
    if (program === 'running' && nowMs - known.since >= quietMs) known.isQuiet = true;
    return known.isQuiet;
  }

  /** The program was done with it when it went on or ended. */
  private isLeftBehind(step: number, { program, newestStep }: Look): boolean {
    if (program === 'ended-well') return true;
    if (this.begunBeforeSignal.has(step)) return step < this.newestBeforeSignal;
    return step < newestStep || program === 'ended-on-signal';
  }
}

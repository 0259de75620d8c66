import { join } from 'node:path';
import type { CompletionSpec } from '@ktrdr/specs';
import { contentsOf, entriesNow, entriesOf, holds } from './checkpoint-directories.js';
import { type CheckpointName, checkpointsAmong, type Refusal } from './checkpoint-names.js';
import { Completeness, type DirectoryState, type Look, type ProgramState } from './completeness.js';

/** Enough complete directories to choose from; older ones are not read. */
const ENOUGH = 8;
/** Files that a look reads while the program runs; the last look reads all. */
const FILES_A_LOOK = 20_000;
/** Further warnings would not be read. */
const MAX_REPORTED = 20;

/** A complete directory that can be made a checkpoint. */
export interface CompleteDirectory {
  readonly step: number;
  readonly name: string;
}

/** What a look at a program's directories found. */
export interface Findings {
  /** Oldest first. */
  readonly complete: readonly CompleteDirectory[];
  /** The newest that was to be a checkpoint and can be none. */
  readonly refused: Refusal | null;
}

interface Seen extends CheckpointName, DirectoryState {
  readonly problem: string | null;
}

/** Looks at the checkpoint directories of one run of a program. */
export class DirectoryWatch {
  private readonly completeness: Completeness;
  private readonly reported = new Set<string>();
  /** Of the directories that there were at the last look. */
  private steps: readonly number[] = [];

  constructor(
    private readonly ports: {
      readonly place: string;
      readonly rule: CompletionSpec;
      /** Older ones are from before. */
      readonly firstStep: number;
      /** A directory is passed over; called once for each message. */
      readonly onRefused: (message: string) => void;
    },
  ) {
    this.completeness = new Completeness(ports.rule);
  }

  /** To be called right before the signal to end: a directory that is begun afterwards may be the answer to it. */
  beforeSignal(): void {
    const entries = entriesNow(this.ports.place);
    this.completeness.signalled(entries ? stepsOf(checkpointsAmong(entries).directories) : this.steps);
  }

  /** The newest complete ones. What was passed over is looked at anew each time: it may change. */
  async look(program: ProgramState): Promise<Findings> {
    const { place, firstStep } = this.ports;
    const among = checkpointsAmong(await entriesOf(place));
    this.steps = stepsOf(among.directories);
    const directories = among.directories.filter(({ step }) => step >= firstStep);
    const refused = among.refused.filter(({ step }) => step >= firstStep);
    const look: Look = { program, newestStep: directories[0]?.step ?? -1, nowMs: performance.now() };
    const complete: CompleteDirectory[] = [];
    let left = program === 'running' ? FILES_A_LOOK : Infinity;
    for (const directory of directories) {
      if (complete.length === ENOUGH || left <= 0) break;
      const seen = await this.stateOf(directory);
      left -= 1 + (seen?.count ?? 0);
      if (!seen || !this.completeness.isComplete(seen, look)) continue;
      const { step, name, problem } = seen;
      if (problem === null) complete.push({ step, name });
      else refused.push({ step, message: problem });
    }
    for (const { message } of refused) this.report(message);
    const newest = refused.reduce<Refusal | null>((a, b) => (a && a.step >= b.step ? a : b), null);
    return { complete: complete.toReversed(), refused: newest };
  }

  private async stateOf({ step, name }: CheckpointName): Promise<Seen | null> {
    const { place, rule } = this.ports;
    const directory = join(place, name);
    const isMarked = rule.by === 'marker' && (await holds(directory, rule.file));
    // Where a marker is missing, what else there is says nothing.
    if (rule.by === 'marker' && !isMarked) return null;
    const contents = await contentsOf(directory);
    return contents && { ...contents, isMarked, step, name };
  }

  private report(message: string): void {
    if (this.reported.size === MAX_REPORTED || this.reported.has(message)) return;
    this.reported.add(message);
    this.ports.onRefused(this.reported.size < MAX_REPORTED ? message : `${message}. Further ones are not reported`);
  }
}

function stepsOf(directories: readonly CheckpointName[]): readonly number[] {
  return directories.map(({ step }) => step);
}

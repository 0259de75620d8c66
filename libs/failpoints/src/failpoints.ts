/** Whose process reaches a failpoint. */
export const FAILPOINT_PROCESSES = ['api', 'worker', 'trainer'] as const;
export type FailpointProcess = (typeof FAILPOINT_PROCESSES)[number];

interface Place {
  readonly in: FailpointProcess;
  /** What has just become true, and what has not yet. */
  readonly between: readonly [done: string, notYet: string];
}

/**
 * Every place where a stop has its own consequences: between two state writes, or between a write and the word of it.
 * `tests/integration/failpoints.int.test.ts` strikes at each of them, so a new name needs a visit there.
 */
export const FAILPOINTS = {
  'claim.asked': { in: 'api', between: ['a worker asks for an operation', 'any has been chosen'] },
  'claim.recorded': { in: 'api', between: ['the row names the attempt and its worker', 'the worker knows'] },
  'claim.answered': { in: 'worker', between: ['the worker has the operation', 'the attempt has begun'] },

  'start.prepared': {
    in: 'worker',
    between: ['data and checkpoint are on this machine', 'a trainer is started'],
  },
  'start.unreported': { in: 'worker', between: ['the trainer has started', 'the API knows'] },
  'start.recorded': { in: 'api', between: ['the row says where the attempt started', 'the worker knows'] },

  'save.captured': { in: 'trainer', between: ['the state is copied out', 'anything is written'] },
  'save.written': { in: 'trainer', between: ['every file is on disk', 'the folder has its name'] },
  'save.named': { in: 'trainer', between: ['the folder has its name', 'the supervisor knows'] },
  'stop.saved': { in: 'trainer', between: ['the save of a stop is reported', 'the stop is'] },
  'complete.saved': { in: 'trainer', between: ['the final save is reported', 'the completion is'] },

  'upload.begun': { in: 'worker', between: ['the supervisor has the files', 'any blob is stored'] },
  'upload.blob-stored': { in: 'worker', between: ['a blob is stored', 'the others are'] },
  'upload.blobs-stored': { in: 'worker', between: ['every blob is stored', 'the manifest is'] },
  'upload.manifest-stored': { in: 'worker', between: ['the manifest is stored', 'the commit is asked for'] },

  'commit.checked': { in: 'api', between: ['blobs and manifest were seen', 'the row is written'] },
  'commit.recorded': { in: 'api', between: ['the row is written', 'the worker knows'] },
  'commit.answered': { in: 'worker', between: ['the worker knows of the commit', 'the trainer does'] },

  'pause.trainer-gone': { in: 'worker', between: ['the trainer has ended for a pause', 'its save is committed'] },
  'pause.unreported': { in: 'worker', between: ['the save of the pause is committed', 'the API knows'] },
  'pause.recorded': { in: 'api', between: ['the row is paused', 'the worker knows'] },
  'pause.reported': { in: 'worker', between: ['the worker knows that it is paused', 'its slot is free'] },

  'cancel.trainer-gone': { in: 'worker', between: ['the trainer has ended for a cancel', 'its save is committed'] },
  'cancel.unreported': { in: 'worker', between: ['the save of the cancel is committed', 'the API knows'] },
  'cancel.recorded': { in: 'api', between: ['the row is cancelled', 'the worker knows'] },
  'cancel.reported': { in: 'worker', between: ['the worker knows that it is cancelled', 'its slot is free'] },

  'complete.trainer-gone': { in: 'worker', between: ['the trainer has completed', 'its final save is committed'] },
  'complete.unreported': { in: 'worker', between: ['the final save is committed', 'the API knows'] },
  'complete.recorded': { in: 'api', between: ['the row is completed', 'the worker knows'] },
  'complete.reported': { in: 'worker', between: ['the worker knows that it is completed', 'its slot is free'] },

  'fail.unreported': { in: 'worker', between: ['the trainer has crashed', 'the API knows'] },
  'fail.recorded': { in: 'api', between: ['the failure or the crash is recorded', 'the worker is answered'] },

  'hint.unsent': { in: 'api', between: ['the row waits for a worker', 'its pool hears of it'] },
} as const satisfies Readonly<Record<string, Place>>;

export type FailpointName = keyof typeof FAILPOINTS;

/** In the order in which an operation meets them. */
export const FAILPOINT_NAMES = Object.keys(FAILPOINTS) as readonly FailpointName[];

/** Is called at each failpoint. The caller awaits it, and takes a rejection as a failure of that step. */
export interface Failpoints {
  /** @param subject the operation's id; for `claim.asked`, which has none yet, the pool. */
  reach(point: FailpointName, subject: string): Promise<void>;
}

/** Nothing happens at any of them. What every process of the product runs with. */
export const NO_FAILPOINTS: Failpoints = { reach: () => Promise.resolve() };

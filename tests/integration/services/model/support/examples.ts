import type { ResumeStep, Sequence, SingleStep, Step } from './step.js';

const claim = (worker = 0): SingleStep => ({ do: 'claim', worker, isAgain: false });
const start: SingleStep = { do: 'start', lease: 0 };
const commit = { do: 'commit', lease: 0, steps: 5, isBest: false, isStored: true } as const;
const pause: SingleStep = { do: 'pause', op: 0, isKeyed: false };
const cancel: SingleStep = { do: 'cancel', op: 0, isKeyed: true };
const obey: SingleStep = { do: 'obey', lease: 0 };
const repeat: SingleStep = { do: 'repeat', request: 0 };
const sweep = (isOverdue = false): SingleStep => ({ do: 'sweep', isOverdue });
const lapse: Step = { do: 'lapse', ops: [0] };
const completed = { do: 'completed', lease: 0, steps: 1 } as const;
const released = { do: 'released', lease: 0, steps: 0 } as const;
const abandon: SingleStep = { do: 'save-failed', lease: 0, isPauseAbandoned: true };
const look: SingleStep = { do: 'look', op: 0 };
const failed = (isCrash: boolean): SingleStep => ({ do: 'failed', lease: 0, isCrash });
const resume: ResumeStep = {
  do: 'resume',
  op: 0,
  choice: 'latest',
  allowFallback: true,
  dryRun: false,
  isKeyed: false,
};

const burst = (...steps: SingleStep[]): Step => ({ do: 'burst', steps, isDoubled: false });
const doubled = (step: SingleStep): Step => ({ do: 'burst', steps: [step], isDoubled: true });

const example = (name: string, ...steps: Step[]) => ({
  name,
  sequence: {
    operations: [
      { maxRecoveries: 1, priority: 1 },
      { maxRecoveries: 0, priority: 0 },
    ],
    steps,
  } satisfies Sequence,
});

/** Sequences that have found something once, and those that take the ways that chance takes seldom. */
export const EXAMPLES = [
  // Once: the progress went back, and the warning was told twice.
  example(
    'a start and a warning are told again',
    ...[claim(), start, commit, start, repeat],
    ...[{ do: 'save-failed', lease: 0, isPauseAbandoned: false } as const, repeat],
  ),
  // Once: it was believed.
  example(
    'a pause names a checkpoint that nobody has committed',
    ...[
      claim(),
      start,
      pause,
      { do: 'paused', lease: 0, isCommitted: false } as const,
      obey,
      resume,
      claim(1),
      completed,
    ],
  ),
  // Once: `internal`.
  example('everything is sent twice at once', doubled(claim()), doubled(start), doubled(commit), doubled(completed)),
  // Once: it could never be resumed.
  example(
    'it is paused after its first attempt was lost before the first checkpoint',
    ...[claim(), start, { ...released, steps: 9 }, pause, resume, claim(1), start, completed],
  ),
  example('it has moved on while a resume still looked at its checkpoint', claim(), start, commit, pause, obey, {
    do: 'slow-resume',
    resume,
    during: [resume, claim(1), start, pause, obey],
  }),
  example(
    'a holder comes back after another has taken over',
    ...[
      claim(),
      start,
      commit,
      lapse,
      sweep(),
      claim(1),
      { ...completed, lease: 1 },
      { ...commit, lease: 1 },
      completed,
    ],
  ),
  example(
    'leases run out before and after a checkpoint',
    claim(),
    start,
    lapse,
    sweep(),
    claim(),
    commit,
    lapse,
    sweep(),
  ),
  example(
    'a lease runs out with one recovery left and a checkpoint',
    claim(),
    commit,
    lapse,
    sweep(),
    claim(),
    lapse,
    sweep(),
  ),
  example(
    'leases run out while it pauses and while it is cancelled',
    ...[claim(), pause, lapse, sweep(), resume, claim(), cancel, lapse, sweep()],
  ),
  example('pausing and cancelling last too long', claim(), pause, sweep(true), cancel, sweep(true)),
  example('a pause is withdrawn, then not saved', claim(), pause, resume, pause, abandon, completed),
  example(
    'workers leave before and after a checkpoint, while it pauses and while it is cancelled',
    ...[claim(), released, claim(), commit, released, claim(), pause, released, resume, claim(), cancel, released],
  ),
  example(
    'it fails while it runs, while it pauses and while it is cancelled',
    ...[claim(), failed(false), resume, claim(), pause, failed(false), resume, claim(), cancel, failed(false)],
  ),
  example(
    'its trainer crashes before and after a checkpoint, while it pauses and while it is cancelled',
    ...[claim(), failed(true), claim(), commit, failed(true), resume, claim(), failed(true), failed(true)],
    ...[claim(), pause, failed(true), resume, claim(), cancel, failed(true)],
  ),
  example(
    'it is stopped in every status in which nobody holds it',
    ...[pause, resume, pause, cancel, resume, cancel, resume, claim(), cancel, obey],
  ),
  example('it is cancelled before anybody has begun', cancel, resume, claim(), pause, completed),
  example('it was done before the cancel took effect', claim(), cancel, completed, look),
  example('it is cancelled while it pauses', claim(), pause, cancel, obey),
  example(
    'it is deleted, and its holder comes back',
    claim(),
    commit,
    pause,
    obey,
    { do: 'delete', op: 0 },
    look,
    repeat,
  ),
  example(
    'its newest checkpoint is damaged',
    ...[claim(), commit, commit, pause, obey, { do: 'damage', checkpoint: 0, how: 'blob-changed' } as const],
    ...[resume, claim(), start],
  ),
  example(
    'all ask at once',
    ...[
      claim(),
      commit,
      burst(pause, cancel, completed, released),
      burst(resume, { ...resume, choice: 'oldest' }, cancel),
    ],
  ),
];

import { isLeased, isSettled, isWaiting, OPERATION_STATUSES, type OperationStatus } from './status.js';
import {
  allowedActions,
  CLIENT_ACTIONS,
  deletableStatuses,
  OPERATION_EVENTS,
  statusesBefore,
  TRANSITIONS,
  transitionsOf,
} from './transitions.js';

/** The design's table in short: event, from → to. What is not here, is not allowed. */
const DESIGN = `
  claim          queued resuming            > running
  pause          running                    > pausing
  pause          queued resuming            > paused
  withdraw-pause pausing                    > running
  paused         pausing                    > paused
  pause-failed   pausing                    > running
  resume         paused cancelled failed    > resuming
  cancel         queued resuming paused     > cancelled
  cancel         running pausing            > cancelling
  cancelled      cancelling                 > cancelled
  complete       running pausing cancelling > completed
  fail           running pausing            > failed
  fail           cancelling                 > cancelled
  crash          running                    > resuming queued failed
  crash          pausing                    > paused
  crash          cancelling                 > cancelled
  release        running                    > resuming queued
  release        pausing                    > paused
  release        cancelling                 > cancelled
  lease-expired  running                    > resuming queued failed
  lease-expired  pausing                    > paused
  lease-expired  cancelling                 > cancelled`;

const designed = DESIGN.trim()
  .split('\n')
  .flatMap((line) => {
    const [[event, ...from] = [], to = []] = line.split('>').map((part) => part.trim().split(/\s+/));
    return from.flatMap((status) => to.map((target) => `${event}: ${status} > ${target}`));
  });

describe('the table of transitions', () => {
  it('has the rows of the design and no other', () => {
    const rows = TRANSITIONS.filter(({ from }) => from !== null).map((row) => `${row.event}: ${row.from} > ${row.to}`);
    expect(rows.toSorted()).toEqual(designed.toSorted());
  });

  it('begins only with a submission, in the queue, or with an import, paused', () => {
    expect(TRANSITIONS.filter(({ from }) => from === null)).toEqual([
      { event: 'submit', from: null, to: 'queued', by: ['client'] },
      { event: 'import', from: null, to: 'paused', by: ['client'] },
    ]);
  });

  it('lets nothing happen to what is completed', () => {
    expect(TRANSITIONS.filter(({ from }) => from === 'completed')).toEqual([]);
  });

  it('names every event, and each of them leads somewhere', () => {
    expect(new Set(TRANSITIONS.map(({ event }) => event))).toEqual(new Set(OPERATION_EVENTS));
  });

  it('lets only workers begin, finish or fail the work that they hold', () => {
    const byWorkers = TRANSITIONS.filter(({ event }) =>
      ['claim', 'complete', 'paused', 'crash', 'release'].includes(event),
    );
    const byOthers = byWorkers.filter(({ by }) => by.join() !== 'worker');
    // A stuck trainer cannot save for its pause: the watchdog takes the operation back, at its last checkpoint.
    expect(byOthers).toEqual([{ event: 'release', from: 'pausing', to: 'paused', by: ['worker', 'policy'] }]);
  });

  it('chooses a target by condition only where there are several, and covers what is left', () => {
    for (const from of OPERATION_STATUSES) {
      for (const event of OPERATION_EVENTS) {
        const conditions = transitionsOf(event)
          .filter((row) => row.from === from)
          .map(({ condition }) => condition);
        expect(new Set(conditions).size).toBe(conditions.length);
        if (conditions.length > 1) expect(conditions).toContain('without-checkpoint');
      }
    }
  });

  it('leads out of every status in which an operation must not stay', () => {
    const stuck = OPERATION_STATUSES.filter(
      (status) => !isSettled(status) && !TRANSITIONS.some(({ from, by }) => from === status && !by.includes('client')),
    );
    expect(stuck).toEqual([]);
  });

  it.each(OPERATION_STATUSES)('counts %s as either waiting, leased or settled', (status) => {
    expect([isWaiting, isLeased, isSettled].filter((is) => is(status))).toHaveLength(1);
  });

  it('knows from where an event leads anywhere', () => {
    expect(statusesBefore('claim')).toEqual(['queued', 'resuming']);
    expect(statusesBefore('resume')).toEqual(['paused', 'cancelled', 'failed']);
    expect(statusesBefore('submit')).toEqual([]);
  });
});

describe('the actions that a client may take', () => {
  const ACTIONS: Readonly<Record<OperationStatus, readonly string[]>> = {
    queued: ['pause', 'cancel'],
    running: ['pause', 'cancel'],
    pausing: ['resume', 'cancel'],
    paused: ['resume', 'cancel', 'delete'],
    resuming: ['pause', 'cancel'],
    cancelling: [],
    cancelled: ['resume', 'retry', 'delete'],
    completed: ['retry', 'delete'],
    failed: ['resume', 'retry', 'delete'],
  };

  it.each(OPERATION_STATUSES)('on a %s operation are those of the table', (status) => {
    expect(allowedActions(status)).toEqual(ACTIONS[status]);
  });

  it.each(OPERATION_STATUSES)('agree with what the table refuses on a %s operation', (status) => {
    const isIn = (...events: ('pause' | 'cancel' | 'resume' | 'withdraw-pause')[]) =>
      events.some((event) => transitionsOf(event).some(({ from }) => from === status));
    const allowed = allowedActions(status);
    expect(allowed.includes('pause')).toBe(isIn('pause'));
    expect(allowed.includes('cancel')).toBe(isIn('cancel'));
    expect(allowed.includes('resume')).toBe(isIn('resume', 'withdraw-pause'));
    expect(allowed.includes('delete')).toBe(deletableStatuses().includes(status));
  });

  it('leave out the pause where the type saves no checkpoints', () => {
    expect(allowedActions('running', { pausable: false })).toEqual(['cancel']);
  });

  it('come in the order in which they are shown', () => {
    for (const status of OPERATION_STATUSES) {
      const allowed = allowedActions(status);
      expect(allowed).toEqual(CLIENT_ACTIONS.filter((action) => allowed.includes(action)));
    }
  });

  it('delete nothing that waits or is held', () => {
    expect(deletableStatuses().filter((status) => !isSettled(status))).toEqual([]);
  });
});

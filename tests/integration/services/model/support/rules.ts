import type { Action, Freed } from './action.js';
import { type Expectation, expectedOfClient } from './client-rules.js';
import { type World, withOperation } from './model.js';
import {
  expectedOfClaim,
  expectedOfCommit,
  expectedOfHeartbeat,
  expectedOfReport,
  expectedOfRestored,
  expectedOfRestoreFailure,
  expectedOfSaveFailure,
  swept,
} from './worker-rules.js';

export type { Expectation } from './client-rules.js';

/** What an action must lead to, when nothing else happens meanwhile. */
export function expected(world: World, action: Action): Expectation {
  switch (action.kind) {
    case 'pause':
    case 'cancel':
    case 'delete':
    case 'look':
    case 'resume':
      return expectedOfClient(world, action);
    case 'claim':
      return expectedOfClaim(world, action);
    case 'heartbeat':
      return expectedOfHeartbeat(world, action);
    case 'restored':
      return expectedOfRestored(world, action);
    case 'restore-failed':
      return expectedOfRestoreFailure(world, action);
    case 'commit':
      return expectedOfCommit(world, action);
    case 'save-failed':
      return expectedOfSaveFailure(world, action);
    case 'sweep':
      return expectedOfSweep(world, action.isOverdue);
    default:
      return expectedOfReport(world, action);
  }
}

function expectedOfSweep(world: World, isOverdue: boolean): Expectation {
  let after = world;
  const freed: Freed[] = [];
  for (const operation of world.values()) {
    const next = swept(operation, isOverdue);
    if (!next) continue;
    after = withOperation(after, next);
    freed.push({ id: next.id, status: next.status });
  }
  return { world: after, answer: { ok: true, freed: freed.toSorted((a, b) => (a.id < b.id ? -1 : 1)) } };
}

import { isDeepStrictEqual } from 'node:util';
import type { Action, Answer, Freed } from './action.js';
import { differences, type ModelOperation, withMarks, withOperation, type World } from './model.js';
import type { Records } from './record.js';
import { expected } from './rules.js';
import { directiveTo, expectedOfClaim, expectedOfHeartbeat, swept } from './worker-rules.js';

export interface Outcome {
  readonly action: Action;
  readonly answer: Answer;
}

/** One thing that took effect, or did not, at one moment. A turn of the sweeper is one for each that it freed. */
type Moment = Outcome | { readonly freed: Freed; readonly isOverdue: boolean };

/**
 * Finds an order in which the model gives every answer and ends where the database is: then nobody saw anything that
 * could not have happened one after the other. null: there is none.
 */
export function explainBurst(start: World, outcomes: readonly Outcome[], records: Records): World | null {
  const moments = outcomes.flatMap((outcome): Moment[] => {
    const { action, answer } = outcome;
    if (action.kind !== 'sweep' || !answer.ok) return [outcome];
    return (answer['freed'] as Freed[]).map((freed) => ({ freed, isOverdue: action.isOverdue }));
  });
  return search([start], moments, records);
}

function search(past: readonly World[], pending: readonly Moment[], records: Records): World | null {
  const now = past.at(-1) ?? new Map<string, ModelOperation>();
  if (pending.length === 0) return isWhere(now, records) ? now : null;
  for (const [index, moment] of pending.entries()) {
    for (const next of after(past, now, moment)) {
      const found = search([...past, next], pending.toSpliced(index, 1), records);
      if (found) return found;
    }
  }
  return null;
}

function isWhere(world: World, records: Records): boolean {
  if (world.size !== records.size) return false;
  return [...world.values()].every((operation) => {
    const record = records.get(operation.id);
    return record !== undefined && differences(withMarks(operation, record), record).length === 0;
  });
}

/** Where this moment can have led: nowhere, when its answer cannot have been given then. */
function after(past: readonly World[], now: World, moment: Moment): readonly World[] {
  if ('freed' in moment) {
    const operation = now.get(moment.freed.id);
    const next = operation && swept(operation, moment.isOverdue);
    return next?.status === moment.freed.status ? [withOperation(now, next)] : [];
  }
  const { action, answer } = moment;
  if (!answer.ok) return isRefusable(past, now, action, answer.code) ? [now] : [];
  switch (action.kind) {
    case 'claim':
      return afterClaim(now, action, answer);
    case 'heartbeat': {
      const told = answer['directives'] as readonly string[];
      const isTrue = action.leases.every((lease, index) =>
        past.some((world) => directiveTo(world.get(lease.operationId), lease) === told[index]),
      );
      // Who was freed while its heartbeat was under way is told so by the next one.
      return isTrue ? [expectedOfHeartbeat(now, action).world, now] : [];
    }
    case 'look':
      return past.some((world) => isDeepStrictEqual(expected(world, action).answer, answer)) ? [now] : [];
    default: {
      const { world, answer: wanted } = expected(now, action);
      if (!wanted.ok) return [];
      const isWithoutEffect = [...world].every(([id, operation]) => now.get(id) === operation);
      return isWithoutEffect || isDeepStrictEqual(wanted, answer) ? [world] : [];
    }
  }
}

/** Others may have locked what was first, so any that waits may be given, or none. */
function afterClaim(now: World, action: Extract<Action, { kind: 'claim' }>, answer: Answer & { readonly ok: true }) {
  const given = answer['operation'] as string | null;
  const { world, answer: wanted } = expectedOfClaim(now, action, given);
  if (given === null) return [now];
  return wanted.ok &&
    wanted['operation'] === given &&
    [undefined, answer['attempt']].includes(wanted['attempt'] as undefined)
    ? [world]
    : [];
}

/** A resume decides on what it has read, and is refused when that has changed since. */
function isRefusable(past: readonly World[], now: World, action: Action, code: string): boolean {
  if (code === 'internal') return false;
  const wasRefused = past.some((world) => !expected(world, action).answer.ok);
  if (wasRefused || action.kind !== 'resume') return wasRefused;
  const versions = new Set(past.map((world) => world.get(action.id)?.version));
  return (code === 'illegal-transition' && versions.size > 1) || !now.has(action.id);
}

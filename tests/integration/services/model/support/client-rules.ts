import { allowedActions, type Checkpoint, deletableStatuses } from '@ktrdr/operations';
import { candidatesFor } from '@ktrdr/operations/testing';
import type { Action, Answer } from './action.js';
import {
  leadsTo,
  type ModelCheckpoint,
  type ModelOperation,
  moved,
  newestFirst,
  withOperation,
  type World,
} from './model.js';

export interface Expectation {
  readonly world: World;
  readonly answer: Answer;
}

type ClientAction = Extract<Action, { kind: 'pause' | 'cancel' | 'delete' | 'look' | 'resume' }>;

export const refused = (world: World, code: string): Expectation => ({ world, answer: { ok: false, code } });
const accepted = (world: World, operation: ModelOperation, facts: object): Expectation => ({
  world: withOperation(world, operation),
  answer: { ok: true, ...facts },
});

/** What a client's request must lead to, when nothing else happens meanwhile. */
export function expectedOfClient(world: World, action: ClientAction): Expectation {
  const operation = world.get(action.id);
  if (!operation) return refused(world, 'operation-not-found');
  switch (action.kind) {
    case 'pause':
    case 'cancel': {
      const to = leadsTo(operation, action.kind);
      if (!to) return refused(world, 'illegal-transition');
      return accepted(world, moved(operation, action.kind, to), { status: to, allowed_actions: allowedActions(to) });
    }
    case 'delete':
      if (!deletableStatuses().includes(operation.status)) return refused(world, 'illegal-transition');
      return { world: new Map([...world].filter(([id]) => id !== action.id)), answer: { ok: true } };
    case 'look':
      return accepted(world, operation, viewOf(operation));
    case 'resume':
      return expectedOfResume(world, operation, action);
  }
}

function viewOf(operation: ModelOperation) {
  const { status, version, attempts, workerId: worker_id, recoveries } = operation;
  return { status, version, attempt: attempts.length, worker_id, recoveries, allowed_actions: allowedActions(status) };
}

function expectedOfResume(
  world: World,
  operation: ModelOperation,
  { choice, allowFallback, dryRun }: Extract<Action, { kind: 'resume' }>,
): Expectation {
  if (operation.status === 'pausing' && !dryRun) {
    const to = leadsTo(operation, 'withdraw-pause');
    if (!to) return refused(world, 'illegal-transition');
    return accepted(world, moved(operation, 'withdraw-pause', to), { status: to });
  }
  const plan = planned(operation, choice, allowFallback);
  if ('code' in plan) return refused(world, plan.code);
  const facts = { resumed_from: plan.from?.id ?? null, lost_steps: plan.lost, fell_back_from: plan.fellBackFrom };
  if (dryRun) return accepted(world, operation, { ...facts, status: operation.status });
  return accepted(world, resumed(world, operation, plan.from, 0), { ...facts, status: 'resuming' });
}

interface Plan {
  readonly from: ModelCheckpoint | null;
  readonly lost: number;
  readonly fellBackFrom: string | null;
}

/** What a resume would do, or why not. Where nothing was ever saved, it begins again for those who accept that. */
function planned(operation: ModelOperation, choice: string, allowFallback: boolean): Plan | { readonly code: string } {
  if (!leadsTo(operation, 'resume')) return { code: 'illegal-transition' };
  const trained = operation.trained ?? 0;
  const known = new Map(operation.checkpoints.map((checkpoint) => [checkpoint.id, checkpoint]));
  const candidates = candidatesFor(newestFirst(operation).map(asCheckpoint), choice, trained).flatMap(
    ({ id }) => known.get(id) ?? [],
  );
  const [chosen] = candidates;
  if (!chosen) {
    const mayBegin = trained === 0 || allowFallback;
    if (operation.checkpoints.length > 0 || choice !== 'latest' || !mayBegin) return { code: 'checkpoint-not-found' };
    return { from: null, lost: trained, fellBackFrom: null };
  }
  const valid = candidates.find(({ isDamaged }) => !isDamaged);
  if (!valid || (valid !== chosen && !allowFallback)) return { code: 'checkpoint-corrupted' };
  return {
    from: valid,
    lost: Math.max(0, trained - valid.step),
    fellBackFrom: valid === chosen ? null : chosen.id,
  };
}

/** The rule itself has its own tests; it only needs these. */
function asCheckpoint({ id, step, isBest, isMarked }: ModelCheckpoint): Checkpoint {
  return { id, step, isBest, metrics: {}, corruptedAt: isMarked ? new Date(0) : null } as unknown as Checkpoint;
}

function resumed(
  world: World,
  operation: ModelOperation,
  from: ModelCheckpoint | null,
  recoveries: number,
): ModelOperation {
  return moved(operation, 'resume', 'resuming', {
    resumeFrom: from?.id ?? null,
    recoveries,
    trained: operation.trained === null ? null : (from?.step ?? 0),
    place: 1 + Math.max(...[...world.values()].map(({ place }) => place)),
  });
}

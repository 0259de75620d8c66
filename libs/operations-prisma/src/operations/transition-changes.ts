import {
  CHECKPOINTED_TYPES,
  type OperationChanges,
  type TransitionCommand,
  type TransitionCondition,
  transitionsOf,
} from '@ktrdr/operations';
import { WAITING, withWarning } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';

const { sql, raw } = Prisma;

/** What a transition asks of an operation and changes in it. `o` is its row, `old` the same with the command. */

type Event = TransitionCommand['event'];

/** Conditions of the table of transitions, in the order in which they are tried; the rest comes last. */
const CONDITIONS = {
  'budget-spent': ' AND o.recoveries >= o.max_recoveries',
  // Damaged ones count: an operation that was saved never begins again at step 0 by itself.
  'with-checkpoint': ` AND EXISTS (SELECT 1 FROM checkpoints c WHERE c.operation_id = o.id AND c.deleting_at IS NULL)`,
  'without-checkpoint': '',
  none: '',
} as const satisfies Readonly<Record<TransitionCondition | 'none', string>>;

/** The table's rows for one event: from the status found to the status that it leads to. */
export function targetOf(event: Event): Prisma.Sql {
  const arms = Object.entries(CONDITIONS).flatMap(([name, guard]) =>
    transitionsOf(event)
      .filter(({ condition = 'none' }) => condition === name)
      .map(({ from, to }) => `WHEN o.status = '${from}'${guard} THEN '${to}'`),
  );
  return raw(`CASE ${arms.join(' ')} END`);
}

/** It saves none by its type, or its own trainer decides whether it does. */
export const SAVES_NONE = raw(
  `(o.type NOT IN (${CHECKPOINTED_TYPES.map((type) => `'${type}'`).join(', ')}) OR o.spec ? 'trainer')`,
);

/** Committed in this attempt; or, until its first step, where the line ends that it was claimed with. */
export const OWN_CHECKPOINT = raw(`EXISTS (
      SELECT 1 FROM checkpoints c JOIN attempts t ON t.operation_id = o.id AND t.attempt = o.attempt
      WHERE c.id = asked.checkpoint_id AND c.operation_id = o.id AND c.deleting_at IS NULL
        AND (c.attempt = o.attempt OR (c.step = (asked.changes->'position'->>'step')::int
          AND CASE WHEN t.restored_at IS NULL THEN c.superseded_at IS NULL
            ELSE c.id = t.checkpoint_id AND coalesce((o.progress->>'step')::int, 0) <= t.start_step END)))`);

/** Events that can lead back to `queued`. */
const REWINDS: readonly Event[] = (['crash', 'release', 'lease-expired'] as const).filter((event) =>
  transitionsOf(event).some(({ to }) => to === 'queued'),
);

/** How far an operation had come that begins again without a checkpoint: nothing shows it afterwards. */
export function lossOf(event: Event): Prisma.Sql {
  if (!REWINDS.includes(event)) return raw(`'{}'`);
  return raw(`CASE WHEN old.target = 'queued' AND old.trained_step > 0
          THEN jsonb_build_object('checkpoint_id', NULL, 'step', 0, 'lost_steps', old.trained_step) ELSE '{}' END`);
}

/** A value of the command as JSON; where there may be none, JSON's null becomes PostgreSQL's. */
const given = (name: keyof OperationChanges) => raw(`(old.changes->'${name}')`);
const givenOrNull = (name: keyof OperationChanges) => raw(`nullif(old.changes->'${name}', 'null')`);
const givenText = (name: keyof OperationChanges) => raw(`(old.changes->>'${name}')`);

/** How each change is written. */
const CHANGES: Readonly<Record<keyof OperationChanges, Prisma.Sql>> = {
  pauseRequest: sql`pause_request = ${givenOrNull('pauseRequest')}`,
  cancelRequest: sql`cancel_request = ${givenOrNull('cancelRequest')}`,
  resumeCheckpointId: sql`resume_checkpoint_id = ${givenText('resumeCheckpointId')}`,
  result: sql`result = ${given('result')}`,
  error: sql`error = CASE WHEN old.target = 'failed' THEN ${givenOrNull('error')} END`,
  position: progress(sql`o.progress || ${given('position')}`),
  warning: sql`warnings = ${withWarning(given('warning'))}`,
  pauseRecord: sql`pause_record = ${given('pauseRecord')}`,
  overrides: sql`overrides = ${given('overrides')}`,
  backendChange: sql`pinned_backend = NULL,
        backend_change_allowed = o.backend_change_allowed OR (${given('backendChange')}->'isAllowed')::boolean,
        requirements = ARRAY(SELECT tag FROM unnest(o.requirements) AS tag WHERE tag NOT LIKE 'backend:%')
          || CASE WHEN ${given('backendChange')}->>'to' IS NULL THEN '{}'
            ELSE ARRAY['backend:' || (${given('backendChange')}->>'to')] END`,
  formerSpecSha256: sql`former_spec_sha256 = o.former_spec_sha256 || ${givenText('formerSpecSha256')}`,
  recoveryBudget: sql`recoveries = CASE ${givenText('recoveryBudget')} WHEN 'refill' THEN 0
          ELSE o.recoveries + CASE WHEN old.target IN ${WAITING} THEN 1 ELSE 0 END END`,
};

/** Without a checkpoint all work is lost: it begins again, and says so. */
function progress(reached: Prisma.Sql): Prisma.Sql {
  return sql`progress = CASE WHEN o.progress IS NULL THEN NULL
        WHEN old.target = 'queued' THEN o.progress || '{"step": 0, "epoch": 0}'::jsonb ELSE ${reached} END`;
}

/** The columns that follow from the command rather than from the status. */
export function changesOf({ changes, event }: TransitionCommand): readonly Prisma.Sql[] {
  const sets = (Object.keys(CHANGES) as (keyof OperationChanges)[])
    .filter((name) => changes[name] !== undefined)
    .map((name) => CHANGES[name]);
  const rewinds = changes.position === undefined && REWINDS.includes(event) ? [progress(sql`o.progress`)] : [];
  return [...sets, ...rewinds];
}

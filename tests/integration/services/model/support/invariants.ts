import { isLeased, TRANSITIONS } from '@ktrdr/operations';
import { isDeepStrictEqual } from 'node:util';
import type { OperationRecord } from './record.js';

const WORKERS_EVENTS: readonly string[] = ['checkpoint', 'started', 'warning'];

/** What must be true of an operation's record at any moment, whatever happened. Each sentence is a violation. */
export function violationsIn(record: OperationRecord): string[] {
  return [...inHistory(record), ...inEvents(record), ...inAttempts(record), ...inRow(record)].map(
    (sentence) => `${record.row.id}: ${sentence}`,
  );
}

/** What must be true of two records of the same operation, one after the other. */
export function violationsBetween(before: OperationRecord, after: OperationRecord): string[] {
  const found: string[] = [];
  const was = (part: 'history' | 'events') => after[part].slice(0, before[part].length);
  if (before.row.status === 'completed' && !isDeepStrictEqual(before.row, after.row))
    found.push('completed has changed');
  if (!isDeepStrictEqual(before.history, was('history'))) found.push('its history was rewritten');
  if (!isDeepStrictEqual(before.events, was('events'))) found.push('its events were rewritten');
  if (after.row.version < before.row.version) found.push('its version fell');
  if (after.row.attempt < before.row.attempt) found.push('its fencing token fell');
  for (const [index, attempt] of before.attempts.entries())
    if (attempt.ended_at !== null && !isDeepStrictEqual(attempt, after.attempts[index]))
      found.push(`attempt ${attempt.attempt} had ended and was changed`);
  return found.map((sentence) => `${before.row.id}: ${sentence}`);
}

function* inHistory({ row, history, attempts, events }: OperationRecord): Generator<string> {
  if (history.length !== row.version) yield `version ${row.version} has ${history.length} history rows`;
  for (const [index, entry] of history.entries()) {
    const before = history[index - 1];
    const { n, event, from_status: from, to_status: to, actor } = entry;
    if (n !== index + 1) yield `history row ${index + 1} is numbered ${n}`;
    if (from !== (before?.to_status ?? null)) yield `${event} (${n}) left ${from}, but it was ${before?.to_status}`;
    if (!TRANSITIONS.some((legal) => legal.event === event && legal.from === from && legal.to === to))
      yield `${event} (${n}) from ${from} to ${to} is not in the table`;
    const holder = attempts[entry.attempt - 1]?.worker_id;
    if (actor.startsWith('worker:') && actor !== `worker:${holder}`)
      yield `${event} (${n}) of attempt ${entry.attempt} was written by ${actor}, but ${holder} held it`;
  }
  if (history.at(-1)?.to_status !== row.status) yield `it is ${row.status}, but its history ends otherwise`;
  const told = events.filter(({ type }) => type === 'status').map(({ data }) => [data['version'], data['event']]);
  if (
    !isDeepStrictEqual(
      told,
      history.map(({ n, event }) => [n, event]),
    )
  )
    yield 'its status events are not one for each history row';
}

function* inEvents({ row, events, checkpoints, history }: OperationRecord): Generator<string> {
  if (events.length !== row.event_seq) yield `event ${row.event_seq} is its last of ${events.length}`;
  let attempt = 0;
  let isHeld = false;
  let committed: string[] = [];
  for (const [index, event] of events.entries()) {
    const { seq, type, data } = event;
    if (seq !== index + 1) yield `event ${index + 1} is numbered ${seq}`;
    if (type === 'status') {
      if (data['event'] === 'claim') attempt += 1;
      isHeld = isLeased(data['to'] as OperationRecord['row']['status']);
      if (data['event'] === 'paused' && !committed.includes(String(data['checkpoint_id'])))
        yield `it was paused (event ${seq}) with no committed checkpoint`;
    }
    if (type === 'checkpoint') committed = [...committed, String(data['checkpoint_id'])];
    if (event.attempt !== attempt) yield `attempt ${event.attempt} wrote event ${seq} (${type}) during ${attempt}`;
    if (WORKERS_EVENTS.includes(type) && !isHeld) yield `event ${seq} (${type}) was written when nobody held it`;
  }
  const told = events.filter(({ type }) => type === 'checkpoint').map(({ data }) => String(data['checkpoint_id']));
  if (!isDeepStrictEqual(told.toSorted(), checkpoints.map(({ id }) => id).toSorted()))
    yield 'its checkpoint events are not one for each checkpoint';
  for (const { n, event, details } of history) {
    const id = details['checkpoint_id'];
    if (event === 'resume' && id !== null && !committed.includes(String(id)))
      yield `it was resumed (${n}) from ${String(id)}, which is no checkpoint of it`;
  }
}

function* inAttempts({ row, attempts }: OperationRecord): Generator<string> {
  if (attempts.length !== row.attempt) yield `attempt ${row.attempt} is its last of ${attempts.length}`;
  for (const [index, { attempt, claimed_at, ended_at, outcome }] of attempts.entries()) {
    const before = attempts[index - 1];
    if (attempt !== index + 1) yield `attempt ${index + 1} is numbered ${attempt}`;
    if (before && (before.ended_at === null || before.ended_at > claimed_at))
      yield `attempts ${before.attempt} and ${attempt} held it at the same time`;
    if ((ended_at === null) !== (outcome === null)) yield `attempt ${attempt} has an end without an outcome`;
  }
  const open = attempts.filter(({ ended_at }) => ended_at === null);
  if (open.length !== (isLeased(row.status) ? 1 : 0)) yield `it is ${row.status} with ${open.length} open attempts`;
  if (isLeased(row.status) && open[0]?.worker_id !== row.worker_id)
    yield `${row.worker_id} holds it, but its open attempt is ${open[0]?.worker_id}'s`;
}

function* inRow({ row }: OperationRecord): Generator<string> {
  const leased = isLeased(row.status);
  if ((row.worker_id !== null) !== leased) yield `it is ${row.status} and its worker is ${row.worker_id}`;
  if ((row.lease_expires_at !== null) !== leased) yield `it is ${row.status} and its lease is ${row.lease_expires_at}`;
  if ((row.error !== null) !== (row.status === 'failed'))
    yield `it is ${row.status} and its error is ${JSON.stringify(row.error)}`;
  if ((row.result !== null) !== (row.status === 'completed'))
    yield `it is ${row.status} with a result of ${JSON.stringify(row.result)}`;
  if ((row.finished_at !== null) !== ['cancelled', 'completed', 'failed'].includes(row.status))
    yield `it is ${row.status} and ended ${row.finished_at}`;
  if (row.recoveries > row.max_recoveries) yield `${row.recoveries} recoveries of ${row.max_recoveries}`;
  if (row.status === 'pausing' && row.pause_request === null) yield 'it is pausing, and nobody asked';
  if (['cancelling', 'cancelled'].includes(row.status) && row.cancel_request === null)
    yield `it is ${row.status}, and nobody asked`;
  const open = row.cancel_request !== null && !['cancelling', 'cancelled', 'completed'].includes(row.status);
  if (open) yield `it is ${row.status} with an open request to cancel`;
}

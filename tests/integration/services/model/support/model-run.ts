import { isLeased, isSettled, isWaiting } from '@ktrdr/operations';
import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import type { Http } from '../../../support/http.js';
import type { Action, Answer } from './action.js';
import type { Actors } from './actors.js';
import type { ApiInProcess } from './api-in-process.js';
import { refused } from './client-rules.js';
import { explainBurst } from './explain-burst.js';
import { violationsBetween, violationsIn } from './invariants.js';
import { differences, type ModelOperation, withMarks, withOperation, type World } from './model.js';
import { ModelViolation } from './model-violation.js';
import type { Participants } from './participants.js';
import { changesBetween, type Records, recordsOf } from './record.js';
import { expected, type Expectation } from './rules.js';
import type { SingleStep, Step } from './step.js';
import type { Uploads } from './uploads.js';

export interface RunParts {
  readonly api: ApiInProcess;
  readonly http: Http;
  readonly database: pg.Client;
  readonly actors: Actors;
  readonly participants: Participants;
  readonly uploads: Uploads;
  readonly pool: string;
  /** Told of every action that was carried out. */
  readonly onAction: (action: Action, answer: Answer) => void;
}

const ENOUGH_TURNS = 30;

/** One sequence, from submission to rest, held against the model after every step. */
export class ModelRun {
  private readonly log: unknown[] = [];

  constructor(
    private readonly parts: RunParts,
    private world: World,
    private records: Records,
  ) {}

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'lapse':
        return this.lapse(step.ops.map((op) => this.parts.participants.idOf(op)));
      case 'damage':
        return this.damage(step);
      case 'burst':
        return this.burst(step.steps, step.isDoubled);
      case 'slow-resume':
        return this.slowResume(step);
      default:
        return this.one(step);
    }
  }

  /** Leases run out, workers take what waits and finish it: then nothing may be under way any more. */
  async comeToRest(): Promise<void> {
    const { participants } = this.parts;
    for (let turn = 0; turn < ENOUGH_TURNS; turn += 1) {
      const operations = [...this.world.values()];
      if (operations.every(({ status }) => isSettled(status))) return;
      const held = operations.filter(({ status }) => isLeased(status)).map(({ id }) => id);
      await this.lapse(held);
      await this.one({ do: 'sweep', isOverdue: false });
      if (![...this.world.values()].some(({ status }) => isWaiting(status))) continue;
      await this.one({ do: 'claim', worker: 0, isAgain: false });
      await this.one({ do: 'start', lease: 0 });
      await this.one({ do: 'completed', lease: 0, steps: 1 });
    }
    this.violated(['it does not come to rest'], { operations: participants.operations });
  }

  private async one(step: SingleStep): Promise<void> {
    for (const action of await this.parts.participants.actionsOf(step, this.world)) {
      const wanted = expected(this.world, action);
      await this.check(action, wanted, await this.perform(action, 'isKeyed' in step && step.isKeyed));
    }
  }

  private async perform(action: Action, isKeyed = false): Promise<Answer> {
    const answer = await this.parts.actors.perform(action, { isKeyed });
    this.log.push({ action, answer });
    this.parts.participants.heard(action, answer);
    this.parts.onAction(action, answer);
    return answer;
  }

  private async check(action: Action, wanted: Expectation, answer: Answer): Promise<void> {
    const before = this.records;
    const was = this.world;
    const after = await this.read();
    const found = isDeepStrictEqual(answer, wanted.answer) ? [] : ['the answer is another one'];
    for (const operation of wanted.world.values()) {
      const record = after.get(operation.id);
      if (!record) found.push(`${operation.id} is gone`);
      else found.push(...differences(withMarks(operation, record), record));
    }
    for (const [id, record] of after) {
      if (!wanted.world.has(id)) found.push(`${id} is still there`);
      if (wanted.world.get(id) !== was.get(id)) continue;
      for (const change of changesBetween(before.get(id), record))
        found.push(`${id} should not have changed: ${change}`);
    }
    if (found.length > 0) this.violated(found, { action, answer, wanted: wanted.answer });
    this.settle(wanted.world);
  }

  private settle(world: World): void {
    this.world = new Map(
      [...world].map(([id, operation]) => {
        const record = this.records.get(id);
        return [id, record ? withMarks(operation, record) : operation] as const;
      }),
    );
    const lies = [...this.world.values()].flatMap(({ id, checkpoints }) =>
      checkpoints.flatMap((one) => (one.isMarked && !one.isDamaged ? [`${id}: ${one.id} is sound, but marked`] : [])),
    );
    if (lies.length > 0) this.violated(lies, {});
  }

  private async burst(steps: readonly SingleStep[], isDoubled: boolean): Promise<void> {
    const { participants } = this.parts;
    const actions: Action[] = [];
    for (const step of steps) {
      const [first] = await participants.actionsOf(step, this.world);
      if (first && isForBursts(first)) actions.push(...(isDoubled ? [first, first] : [first]));
    }
    const start = this.world;
    const outcomes = await Promise.all(
      actions.slice(0, 5).map(async (action) => ({ action, answer: await this.perform(action) })),
    );
    const records = await this.read();
    const end = explainBurst(start, outcomes, records);
    if (!end)
      this.violated(['no order of these explains their answers'], {
        start: [...start.values()],
        outcomes,
        end: [...records.values()].map(({ row, history }) => [row.id, row.status, history.slice(-6)]),
      });
    else this.settle(end);
  }

  private async slowResume({ resume, during }: Extract<Step, { do: 'slow-resume' }>): Promise<void> {
    const { api, participants } = this.parts;
    const action = participants.resumeOf(resume, this.world);
    const start = this.world;
    const atStart = expected(start, action);
    const gate = api.gate.close();
    const answering = this.perform(action);
    try {
      const isHeld = await Promise.race([gate.entered.then(() => true), answering.then(() => false)]);
      if (!isHeld) return await this.check(action, atStart, await answering);
      for (const step of during) await this.one(step);
    } finally {
      gate.open();
      await answering.catch(() => undefined); // awaited below, where it is not lost
    }
    const hasChanged = start.get(action.id)?.version !== this.world.get(action.id)?.version;
    const isDecided = !atStart.answer.ok || action.dryRun;
    const wanted = isDecided
      ? { world: this.world, answer: atStart.answer }
      : hasChanged
        ? refused(this.world, this.world.has(action.id) ? 'illegal-transition' : 'operation-not-found')
        : expected(this.world, action);
    const answer = await answering;
    // Deleted under its eyes, it has found the bytes gone before it could see that the operation is.
    const foundGone = !this.world.has(action.id) && !answer.ok && answer.code === 'checkpoint-corrupted';
    await this.check(action, foundGone ? refused(this.world, answer.code) : wanted, answer);
  }

  private async lapse(ids: readonly string[]): Promise<void> {
    await this.parts.database.query(
      `UPDATE operations SET lease_expires_at = clock_timestamp() - interval '1 second'
       WHERE id = ANY($1) AND lease_expires_at IS NOT NULL`,
      [ids],
    );
    for (const id of ids) {
      const operation = this.world.get(id);
      if (operation && isLeased(operation.status))
        this.world = withOperation(this.world, { ...operation, hasLeaseExpired: true });
    }
    this.log.push({ lapsed: ids });
    await this.read();
  }

  private async damage({ checkpoint, how }: Extract<Step, { do: 'damage' }>): Promise<void> {
    const id = this.parts.participants.committed.at(-1 - checkpoint);
    if (!id) return;
    await this.parts.uploads.spoil(id, how);
    this.log.push({ damaged: id, how });
    this.world = new Map([...this.world].map(([key, operation]) => [key, spoilt(operation, id)]));
  }

  private async read(): Promise<Records> {
    const before = this.records;
    const records = await recordsOf(this.parts.database, this.parts.pool);
    this.records = records;
    const found = [...records.values()].flatMap((record) => {
      const was = before.get(record.row.id);
      return [...violationsIn(record), ...(was ? violationsBetween(was, record) : [])];
    });
    if (found.length > 0) this.violated(found, {});
    return records;
  }

  private violated(sentences: readonly string[], context: unknown): never {
    throw new ModelViolation(sentences, { log: this.log.slice(-12), context });
  }
}

/** What takes several steps of its own cannot be put at one moment of a burst. */
function isForBursts(action: Action): boolean {
  return action.kind !== 'restore-failed';
}

function spoilt(operation: ModelOperation, checkpointId: string): ModelOperation {
  const checkpoints = operation.checkpoints.map((one) => (one.id === checkpointId ? { ...one, isDamaged: true } : one));
  return { ...operation, checkpoints };
}

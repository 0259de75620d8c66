import { EventIdentity, WorkerEvent, type WorkerRpcReply } from '@ktrdr/contracts';
import type { CheckpointingReport, Figure, Lease } from '@ktrdr/operations';
import {
  type Database,
  ENDED,
  Batcher,
  ingest,
  type IngestedEvent,
  isConnectionError,
  isPassing,
  nameDropped,
  type AttemptEvents,
} from '@ktrdr/operations-prisma';
import type { Logger } from 'pino';

type Outcome = WorkerRpcReply<'events'>['operations'][number];

/** Writes what workers tell, with durable sequence numbers. One event that cannot be recorded costs itself alone. */
export class EventIngest {
  /** Batches that come while statements are under way share the next one. */
  private readonly together = new Batcher<readonly AttemptEvents[], readonly number[]>(
    (batches) => this.ingestTogether(batches),
    { atOnce: 2, items: 8 },
  );

  /** @param onDropped an event could be recorded in no way. */
  constructor(
    private readonly database: Database,
    private readonly log: Logger,
    private readonly onDropped: () => void,
  ) {}

  /** @throws {DatabaseUnavailableError} and whatever else passes: the same events are to be sent again. */
  async take(workerId: string, events: readonly unknown[]): Promise<Outcome[]> {
    const attempts = new Map<string, AttemptEvents & { readonly events: IngestedEvent[] }>();
    for (const raw of events) {
      const { lease, event } = this.read(raw, workerId);
      if (!lease) continue;
      const key = `${lease.operationId} ${lease.attempt}`;
      const told = attempts.get(key) ?? { ...lease, events: [] };
      attempts.set(key, told);
      if (event) told.events.push(event);
      else await this.drop(lease, null, 'it has no number');
    }
    return this.write([...attempts.values()]);
  }

  /** What cannot be read becomes a warning in its place; without a number it has no place. */
  private read(raw: unknown, workerId: string): { lease: Lease | null; event: IngestedEvent | null } {
    const told = WorkerEvent.safeParse(raw);
    const named = told.success ? told : EventIdentity.safeParse(raw);
    if (named.success) {
      const { operation_id: operationId, attempt } = named.data;
      const event = told.success ? toIngested(told.data) : refused(named.data.n, 'an unknown type');
      if (!told.success) this.log.error({ operationId, attempt, n: named.data.n, err: told.error }, 'event unreadable');
      return { lease: { operationId, attempt, workerId }, event };
    }
    const owner = EventIdentity.omit({ n: true }).safeParse(raw);
    if (owner.success)
      return { lease: { operationId: owner.data.operation_id, attempt: owner.data.attempt, workerId }, event: null };
    this.onDropped();
    this.log.error({ workerId, err: owner.error }, 'an event names no operation, dropped');
    return { lease: null, event: null };
  }

  private async write(told: readonly AttemptEvents[]): Promise<Outcome[]> {
    if (told.length === 0) return [];
    try {
      const counts = await this.together.add(told);
      return told.map((one, index) => this.outcome(one, counts[index] === ENDED));
    } catch (error) {
      if (isPassing(error)) throw error;
      const [first] = told;
      if (told.length > 1) {
        const half = told.length >> 1;
        return [...(await this.write(told.slice(0, half))), ...(await this.write(told.slice(half)))];
      }
      return first ? [await this.writeHalves(first, error)] : [];
    }
  }

  /** What is in the way of one batch is in the way of none of the others: then each is recorded alone. */
  private async ingestTogether(batches: readonly (readonly AttemptEvents[])[]) {
    const keys = batches.flat().map(({ operationId, attempt }) => `${operationId} ${attempt}`);
    if (batches.length > 1 && new Set(keys).size === keys.length) {
      try {
        const counts = [...(await ingest(this.database, batches.flat()))];
        return batches.map(({ length }) => Promise.all(counts.splice(0, length)));
      } catch (error) {
        if (isConnectionError(error)) throw error;
      }
    }
    return batches.map(async (batch) => Promise.all(await ingest(this.database, batch)));
  }

  /** Finds the refused event by bisection and records a warning in its place; drops it if that fails too. */
  private async writeHalves(told: AttemptEvents, error: unknown): Promise<Outcome> {
    const { operationId, attempt, workerId, events } = told;
    const lease = { operationId, attempt, workerId };
    if (events.length > 1) {
      const half = events.length >> 1;
      const before = await this.write([{ ...lease, events: events.slice(0, half) }]);
      const after = await this.write([{ ...lease, events: events.slice(half) }]);
      return after[0] ?? before[0] ?? this.outcome(told, false);
    }
    const [event] = events;
    if (event && event.warning?.code !== REFUSED) {
      this.log.error({ ...lease, n: event.n, type: event.type, err: error }, 'an event cannot be recorded');
      const [outcome] = await this.write([{ ...lease, events: [refused(event.n, `the type ${event.type}`)] }]);
      return outcome ?? this.outcome(told, false);
    }
    await this.drop(lease, event?.n ?? null, error);
    return this.outcome(told, false);
  }

  private async drop(lease: Lease, n: number | null, reason: unknown): Promise<void> {
    this.onDropped();
    this.log.error({ ...lease, n, err: reason }, 'an event can be recorded in no way, dropped');
    const which = n === null ? 'An event without a number' : `Event ${n} of attempt ${lease.attempt}`;
    const warning = { code: 'event-dropped', message: `${which} could not be recorded; the log of the API says why` };
    await nameDropped(this.database, lease, warning).catch((error: unknown) => {
      if (isPassing(error)) throw error;
      this.log.error({ ...lease, err: error }, 'the dropped event cannot be named');
    });
  }

  private outcome({ operationId, attempt, events }: AttemptEvents, hasEnded: boolean): Outcome {
    if (hasEnded) this.log.info({ operationId, attempt, events: events.length }, 'events of a fenced attempt refused');
    return { operation_id: operationId, attempt, outcome: hasEnded ? 'ended' : 'recorded' };
  }
}

const REFUSED = 'event-refused';

function refused(n: number, what: string): IngestedEvent {
  const warning = { code: REFUSED, message: `An event of ${what} could not be recorded; the log of the API says why` };
  return { n, at: new Date(), type: 'warning', data: warning, warning };
}

function toIngested({ n, at, body }: WorkerEvent): IngestedEvent {
  const { type, ...data } = body;
  const event = { n, at: new Date(at), type, data };
  switch (body.type) {
    case 'progress': {
      const { step, epoch, steps, epochs, loss, examples_per_second: examplesPerSecond } = body;
      const metrics = loss === null ? {} : { metrics: { loss } };
      return { ...event, progress: { step, epoch, steps, epochs, examplesPerSecond }, ...metrics };
    }
    case 'metrics': {
      const { step, epoch, values, best } = body;
      const watched = values['val_loss'] === undefined ? 'loss' : 'val_loss';
      const value: Figure | undefined = values[watched];
      return {
        ...event,
        metrics: values,
        point: { step, epoch },
        ...(best && value !== undefined ? { best: { step, epoch, metric: watched, value } } : {}),
      };
    }
    case 'warning':
      return { ...event, warning: { code: body.code, message: body.message } };
    case 'checkpointing':
      return { ...event, checkpointing: toCheckpointingReport(body) };
    case 'log':
      return event;
  }
}

function toCheckpointingReport(body: Extract<WorkerEvent['body'], { type: 'checkpointing' }>): CheckpointingReport {
  return {
    overheadBudget: body.overhead_budget,
    maxLossSeconds: body.max_loss_seconds,
    intervalSeconds: body.interval_seconds,
    decidedBy: body.decided_by,
    stallMs: body.stall_ms,
    backgroundMs: body.background_ms,
    commitSeconds: body.commit_seconds,
    saves: body.saves,
    costSeconds: body.cost_seconds,
    trainedSeconds: body.trained_seconds,
    longestUnprotectedSeconds: body.longest_unprotected_seconds,
  };
}

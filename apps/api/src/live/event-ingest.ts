import type { WorkerEvent } from '@ktrdr/contracts';
import type { CheckpointingReport, Figure } from '@ktrdr/operations';
import { type Database, ingest, type IngestedEvent, isDataRefused, reach } from '@ktrdr/operations-prisma';
import type { Logger } from 'pino';
import { TimelyIngest } from './timely-ingest.js';

/** Writes what workers tell, in batches, with durable sequence numbers. */
export class EventIngest {
  private readonly timely = new TimelyIngest(() => performance.now());

  constructor(
    private readonly database: Database,
    private readonly log: Logger,
  ) {}

  /** For how long everything that came has been written in time. */
  timelyForMs(): number {
    return this.timely.forMs();
  }

  take(events: readonly WorkerEvent[]): Promise<void> {
    return this.timely.write(() => this.write(events));
  }

  private async write(events: readonly WorkerEvent[]): Promise<void> {
    const groups = Map.groupBy(events, ({ operation_id, attempt }) => `${operation_id} ${attempt}`);
    await Promise.all(
      [...groups.values()].map(async (group) => {
        const [first] = group;
        if (!first) return;
        const lease = { operationId: first.operation_id, attempt: first.attempt };
        const written = await this.record(lease, group);
        if (written < 0) this.log.info({ ...lease, events: group.length }, 'events of a fenced attempt refused');
      }),
    );
  }

  /** An event that the database refuses costs itself alone: a warning takes its place, so that its number is there. */
  private async record(lease: Attempt, events: readonly WorkerEvent[]): Promise<number> {
    try {
      return await reach(() => ingest(this.database, lease, events.map(toIngested)));
    } catch (error) {
      const [first, ...others] = events;
      if (!isDataRefused(error) || !first) throw error;
      if (others.length > 0) {
        let written = 0;
        for (const event of events) written += await this.record(lease, [event]);
        return written;
      }
      this.log.error({ ...lease, n: first.n, type: first.body.type, err: error }, 'an event cannot be recorded');
      const message = `An event of the type ${first.body.type} could not be recorded; the log of the API says why`;
      const told: WorkerEvent = { ...first, body: { type: 'warning', code: 'event-refused', message } };
      return reach(() => ingest(this.database, lease, [toIngested(told)]));
    }
  }
}

interface Attempt {
  readonly operationId: string;
  readonly attempt: number;
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

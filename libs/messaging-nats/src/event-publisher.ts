import type { WorkerEvent } from '@ktrdr/contracts';
import { MessagingUnavailableError, reasonOf } from './errors.js';
import type { NatsSession } from './nats-session.js';

/**
 * Sends what a running attempt tells. Repeating an event is harmless: its number makes it one. In place of one that is
 * larger than NATS takes comes a warning that says so.
 */
export class EventPublisher {
  constructor(private readonly session: NatsSession) {}

  /** @throws {MessagingUnavailableError} when the server did not confirm it. */
  async publish(event: WorkerEvent): Promise<void> {
    const { operation_id, attempt, n } = event;
    const what = `event ${n} of ${operation_id}`;
    if (!this.session.isConnected) throw new MessagingUnavailableError(what, 'not connected');
    try {
      const { jetstream, subjects } = this.session;
      const body = JSON.stringify(event);
      const excess = this.session.excessOf(body);
      const options = { msgID: `${operation_id}:${attempt}:${n}` };
      await this.session.unlessDisconnected(
        jetstream.publish(subjects.events(operation_id), excess ? leftOut(event, excess) : body, options),
      );
    } catch (error) {
      throw new MessagingUnavailableError(what, reasonOf(error), { cause: error });
    }
  }
}

function leftOut({ body: { type }, ...event }: WorkerEvent, excess: string): string {
  const message = `An event of the type ${type} was left out: ${excess}`;
  return JSON.stringify({
    ...event,
    body: { type: 'warning', code: 'event-too-large', message },
  } satisfies WorkerEvent);
}

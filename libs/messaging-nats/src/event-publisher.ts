import type { WorkerEvent } from '@ktrdr/contracts';
import { MessagingUnavailableError, reasonOf } from './errors.js';
import type { NatsSession } from './nats-session.js';

/** Sends what a running attempt tells. Repeating an event is harmless: its number makes it one. */
export class EventPublisher {
  constructor(private readonly session: NatsSession) {}

  /** @throws {MessagingUnavailableError} when the server did not confirm it. */
  async publish(event: WorkerEvent): Promise<void> {
    const { operation_id, attempt, n } = event;
    const what = `event ${n} of ${operation_id}`;
    if (!this.session.isConnected) throw new MessagingUnavailableError(what, 'not connected');
    try {
      const { jetstream, subjects } = this.session;
      const options = { msgID: `${operation_id}:${attempt}:${n}` };
      await this.session.unlessDisconnected(
        jetstream.publish(subjects.events(operation_id), JSON.stringify(event), options),
      );
    } catch (error) {
      throw new MessagingUnavailableError(what, reasonOf(error), { cause: error });
    }
  }
}

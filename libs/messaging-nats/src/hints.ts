import { ControlHint } from '@ktrdr/contracts';
import type { NatsSession } from './nats-session.js';

/** Idle workers of a pool share this queue group, so that one hint wakes one of them. */
const IDLE = 'idle';

/** Hints that something has changed. PostgreSQL holds the change: any hint may be lost, doubled or late. */
export class HintPublisher {
  constructor(private readonly session: NatsSession) {}

  /** One idle worker of the pool claims. */
  work(pool: string): void {
    this.publish(this.session.subjects.work(pool));
  }

  /** The worker of this key sends a heartbeat, or claims. */
  control(nkey: string, hint: ControlHint = {}): void {
    this.publish(this.session.subjects.control(nkey), JSON.stringify(hint));
  }

  /** Streams of events read on. */
  recorded(): void {
    this.publish(this.session.subjects.recorded);
  }

  /** A hint without a connection is dropped. */
  private publish(subject: string, body?: string): void {
    if (this.session.isConnected) this.session.connection.publish(subject, body);
  }
}

/** Hears hints. Each method returns a function that ends the subscription. */
export class HintListener {
  constructor(private readonly session: NatsSession) {}

  onWork(pool: string, heard: () => void): () => void {
    return this.listen(this.session.subjects.work(pool), heard, IDLE);
  }

  /** Hints for this worker alone. An unreadable hint is still a hint. */
  onControl(heard: (hint: ControlHint) => void): () => void {
    const { subjects, settings } = this.session;
    return this.listen(subjects.control(settings.user.key.publicKey), (body) => heard(toHint(body)));
  }

  onRecorded(heard: () => void): () => void {
    return this.listen(this.session.subjects.recorded, heard);
  }

  private listen(subject: string, heard: (body: string) => void, queue?: string): () => void {
    const subscription = this.session.connection.subscribe(subject, {
      ...(queue ? { queue } : {}),
      callback: (error, message) => {
        if (!error) heard(message.string());
      },
    });
    return () => subscription.unsubscribe();
  }
}

function toHint(body: string): ControlHint {
  try {
    return ControlHint.safeParse(JSON.parse(body)).data ?? {};
  } catch {
    return {};
  }
}

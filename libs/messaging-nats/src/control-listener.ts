import { ControlHint } from '@ktrdr/contracts';
import type { NatsSession } from './nats-session.js';

/** Hears that something changed for an operation this worker holds. What changed, the next heartbeat says. */
export class ControlListener {
  constructor(
    private readonly session: NatsSession,
    private readonly workerId: string,
  ) {}

  /** Returns a function that ends the subscription. An unreadable hint is still a hint. */
  listen(onHint: (hint: ControlHint | null) => void): () => void {
    const subscription = this.session.connection.subscribe(this.session.subjects.control(this.workerId), {
      callback: (error, message) => {
        if (error) return;
        onHint(toHint(message.string()));
      },
    });
    return () => subscription.unsubscribe();
  }
}

function toHint(text: string): ControlHint | null {
  try {
    return ControlHint.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

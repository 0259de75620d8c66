import { createInbox, type NatsConnection } from '@nats-io/transport-node';

interface StreamInfo {
  readonly config: { readonly name: string; readonly subjects: unknown; readonly max_msgs: number };
  readonly state: Readonly<Record<string, unknown>>;
}
interface ConsumerInfo {
  readonly name: string;
  readonly [field: string]: unknown;
}

/** A stream with a consumer that somebody keeps on the same server; null: the server keeps none. */
export class StoredStream {
  readonly stream = 'STORED';
  readonly consumer = 'reader';
  private baseline = '';

  constructor(
    private readonly connection: NatsConnection | null,
    private readonly inboxPrefix: string,
  ) {}

  /** As it was in the beginning: three messages, the first of them handed out and not acknowledged. */
  async rebuild(): Promise<void> {
    if (!this.connection) return;
    for (const { config } of await this.streams()) await this.ask(`STREAM.DELETE.${config.name}`);
    const { stream, consumer } = this;
    await this.ask(`STREAM.CREATE.${stream}`, { name: stream, subjects: ['stored.>'], storage: 'memory' });
    for (const n of [1, 2, 3]) await this.connection.request(`stored.${n}`, `message ${n}`, { timeout: 5_000 });
    const config = { durable_name: consumer, ack_policy: 'explicit', ack_wait: 3_600_000_000_000 };
    await this.ask(`CONSUMER.DURABLE.CREATE.${stream}.${consumer}`, { stream_name: stream, config });
    await this.takeOne();
    this.baseline = await this.state();
  }

  async hasChanged(): Promise<boolean> {
    return this.connection !== null && (await this.state()) !== this.baseline;
  }

  private async state(): Promise<string> {
    const streams = await this.streams();
    const consumers = await Promise.all(
      streams.map(async ({ config }) => {
        const answer = (await this.ask(`CONSUMER.LIST.${config.name}`)) as { readonly consumers?: ConsumerInfo[] };
        return (answer.consumers ?? []).map(({ name, delivered, ack_floor, num_ack_pending, num_pending, paused }) => ({
          name,
          delivered: withoutTime(delivered),
          ack_floor: withoutTime(ack_floor),
          num_ack_pending,
          num_pending,
          paused,
        }));
      }),
    );
    const shown = streams.map(({ config: { name, subjects, max_msgs }, state }) => {
      const { messages, first_seq, last_seq, num_deleted } = state;
      return { name, subjects, max_msgs, messages, first_seq, last_seq, num_deleted };
    });
    return JSON.stringify([shown, consumers]);
  }

  /** The message comes under its own subject, by which no request would know it. */
  private async takeOne(): Promise<void> {
    if (!this.connection) return;
    const inbox = createInbox(this.inboxPrefix);
    const subscription = this.connection.subscribe(inbox, { max: 1 });
    this.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${this.stream}.${this.consumer}`, '', { reply: inbox });
    for await (const _message of subscription) break;
  }

  private async streams(): Promise<readonly StreamInfo[]> {
    return ((await this.ask('STREAM.LIST')) as { readonly streams?: StreamInfo[] }).streams ?? [];
  }

  private async ask(what: string, body?: unknown): Promise<unknown> {
    if (!this.connection) return {};
    const text = body === undefined ? '' : JSON.stringify(body);
    const answer = await this.connection.request(`$JS.API.${what}`, text, { timeout: 5_000 });
    return answer.json();
  }
}

function withoutTime(place: unknown): unknown {
  const { consumer_seq, stream_seq } = (place ?? {}) as Record<string, unknown>;
  return { consumer_seq, stream_seq };
}

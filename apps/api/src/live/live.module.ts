import { type BeforeApplicationShutdown, Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { EventConsumer } from '@ktrdr/messaging-nats';
import { type Database, EventLog } from '@ktrdr/operations-prisma';
import { PinoLogger } from 'nestjs-pino';
import { OperationsModule } from '../operations/operations.module.js';
import { Messaging } from '../platform/messaging.js';
import { DATABASE } from '../platform/tokens.js';
import { EventHub } from './event-hub.js';
import { EventIngest } from './event-ingest.js';
import { EventStreamController } from './event-stream.controller.js';
import { OpenStreams } from './open-streams.js';

const INGEST = { maxBatch: 200, maxWaitMs: 50 };

@Module({
  imports: [OperationsModule],
  controllers: [EventStreamController],
  providers: [
    OpenStreams,
    {
      provide: EventHub,
      inject: [EventLog, PinoLogger],
      useFactory: (events: EventLog, { logger }: PinoLogger) => new EventHub(events, logger),
    },
    {
      provide: EventIngest,
      inject: [DATABASE, PinoLogger],
      useFactory: (database: Database, { logger }: PinoLogger) => new EventIngest(database, logger),
    },
  ],
  exports: [EventIngest],
})
export class LiveModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stopped = new AbortController();
  private consuming: Promise<void> = Promise.resolve();

  constructor(
    @Inject(Messaging) private readonly messaging: Messaging,
    @Inject(EventIngest) private readonly ingest: EventIngest,
    @Inject(EventHub) private readonly hub: EventHub,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
    @Inject(PinoLogger) private readonly log: PinoLogger,
  ) {}

  onApplicationBootstrap(): void {
    this.hub.start();
    this.messaging.whenConnected((session) => {
      this.consuming = new EventConsumer(session, 'api').run((events) => this.ingest.take(events), {
        ...INGEST,
        signal: this.stopped.signal,
        onTrouble: ({ what, reason }) => this.log.warn({ what, reason }, 'event ingestion in trouble'),
      });
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.streams.endAll();
    this.stopped.abort();
    await this.consuming;
    await this.hub.stop();
  }
}

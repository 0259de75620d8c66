import { type BeforeApplicationShutdown, Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { HintListener } from '@ktrdr/messaging-nats';
import { type Database, EventLog } from '@ktrdr/operations-prisma';
import { PinoLogger } from 'nestjs-pino';
import { ServiceMetrics } from '../metrics/service-metrics.js';
import { OperationsModule } from '../operations/operations.module.js';
import { Messaging } from '../platform/messaging.js';
import { Recorded } from '../platform/recorded.js';
import { DATABASE } from '../platform/tokens.js';
import { EventHub } from './event-hub.js';
import { EventIngest } from './event-ingest.js';
import { EventStreamController } from './event-stream.controller.js';
import { OpenStreams } from './open-streams.js';

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
      inject: [DATABASE, PinoLogger, ServiceMetrics],
      useFactory: (database: Database, { logger }: PinoLogger, metrics: ServiceMetrics) =>
        new EventIngest(database, logger, () => metrics.eventDropped()),
    },
  ],
  exports: [EventIngest],
})
export class LiveModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    @Inject(Recorded) private readonly recorded: Recorded,
    @Inject(Messaging) private readonly messaging: Messaging,
    @Inject(EventHub) private readonly hub: EventHub,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
  ) {}

  onApplicationBootstrap(): void {
    this.hub.start();
    this.recorded.listen(() => {
      this.hub.readOn();
      this.messaging.recorded();
    });
    this.messaging.whenConnected(({ session }) => new HintListener(session).onRecorded(() => this.hub.readOn()));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.streams.endAll();
    await this.hub.stop();
  }
}

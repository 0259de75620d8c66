import { type BeforeApplicationShutdown, Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { WebhookStore } from '@ktrdr/operations-prisma';
import { PinoLogger } from 'nestjs-pino';
import { BackgroundLoop } from '../platform/background-loop.js';
import { WebhookSender } from './webhook-sender.js';
import { WebhooksController } from './webhooks.controller.js';

const LOOK_EVERY_MS = 500;
const HOUR_MS = 3_600_000;
const REMEMBER_MS = 7 * 24 * HOUR_MS;

@Module({ controllers: [WebhooksController] })
export class WebhooksModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loops: readonly BackgroundLoop[];

  constructor(@Inject(WebhookStore) store: WebhookStore, @Inject(PinoLogger) { logger }: PinoLogger) {
    const sender = new WebhookSender(store, logger);
    this.loops = [
      new BackgroundLoop('webhooks', LOOK_EVERY_MS, () => sender.turn(), logger),
      new BackgroundLoop('webhook-forgetting', HOUR_MS, () => store.forgetSettled(REMEMBER_MS), logger),
    ];
  }

  onApplicationBootstrap(): void {
    for (const loop of this.loops) loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }
}

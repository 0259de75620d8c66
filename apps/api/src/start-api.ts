import 'reflect-metadata';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import type { Failpoints } from '@ktrdr/failpoints';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module.js';
import type { ApiConfig } from './config.js';
import { serveDocsPage } from './documentation/docs-page.js';
import { Readiness } from './health/readiness.js';
import { refuseUndeclaredRoutes } from './http/declared-routes.js';
import { acceptOnlyJson } from './http/json-body.js';
import { requestIdOf } from './http/request-logging.js';
import { Messaging } from './platform/messaging.js';

const BODY_LIMIT_BYTES = 1024 * 1024;

/** The whole API, listening. NATS and PostgreSQL may come later; `/health/ready` says what is missing. */
export async function startApi(config: ApiConfig, failpoints: Failpoints): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    genReqId: requestIdOf,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // refuse-while-stopping.ts answers, as a problem document
    routerOptions: { maxParamLength: 300 },
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(config, failpoints), adapter, {
    bufferLogs: true,
    bodyParser: false,
  });
  app.useLogger(app.get(Logger));
  acceptOnlyJson(adapter.getInstance());
  await serveDocsPage(adapter.getInstance());
  refuseUndeclaredRoutes(adapter.getInstance());
  const messaging = app.get(Messaging);
  messaging.connect();
  await app.listen(config.http.port, config.http.host);
  app.get(Logger).log(`listening on ${await app.getUrl()}`);
  // What is missing from the start stands in the log, asked or not.
  app
    .get(Readiness)
    .check()
    .catch(() => undefined);
  return app;
}

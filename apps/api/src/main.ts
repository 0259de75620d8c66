import 'reflect-metadata';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module.js';
import { type ApiConfig, ConfigurationError, readConfig } from './config.js';
import { serveDocsPage } from './documentation/docs-page.js';
import { acceptOnlyJson } from './http/json-body.js';
import { requestIdOf } from './http/request-logging.js';
import { refuseWhileStopping } from './http/refuse-while-stopping.js';
import { Messaging } from './platform/messaging.js';

const BODY_LIMIT_BYTES = 1024 * 1024;
const SHUTDOWN_DEADLINE_MS = 15_000;

/** The whole API, listening. NATS and PostgreSQL may come later; `/health/ready` says what is missing. */
async function start(config: ApiConfig): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    genReqId: requestIdOf,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // refuse-while-stopping.ts answers, as a problem document
    routerOptions: { maxParamLength: 300 },
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(config), adapter, {
    bufferLogs: true,
    bodyParser: false,
  });
  app.useLogger(app.get(Logger));
  acceptOnlyJson(adapter.getInstance());
  await serveDocsPage(adapter.getInstance());
  const messaging = app.get(Messaging);
  messaging.connect();
  await app.listen(config.http.port, config.http.host);
  app.get(Logger).log(`listening on ${await app.getUrl()}`);
  return app;
}

function stopOnSignal(app: NestFastifyApplication): void {
  let isStopping = false;
  const stop = (signal: string) => {
    if (isStopping) process.exit(1);
    isStopping = true;
    app.get(Logger).log(`stopping on ${signal}`);
    refuseWhileStopping();
    const log = app.get(Logger);
    setTimeout(() => {
      log.warn(`not stopped within ${SHUTDOWN_DEADLINE_MS / 1000} s, leaving at once`);
      process.exit(1);
    }, SHUTDOWN_DEADLINE_MS).unref();
    app.close().then(
      () => process.exit(0),
      (err: unknown) => {
        log.error({ err }, 'not stopped cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

try {
  stopOnSignal(await start(readConfig()));
} catch (error) {
  const isOurs = error instanceof ConfigurationError;
  const { code, message } = error as NodeJS.ErrnoException;
  if (isOurs) process.stderr.write(`${message}\n`);
  else if (code === 'EADDRINUSE')
    process.stderr.write(
      `The API cannot listen: the address is in use (${message}). Choose another KTRDR_HTTP_PORT.\n`,
    );
  else process.stderr.write(`The API cannot start: ${(error as Error).stack ?? message}\n`);
  process.exit(1);
}

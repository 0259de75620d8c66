import { NO_FAILPOINTS } from '@ktrdr/failpoints';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger } from 'nestjs-pino';
import { ConfigurationError, readConfig } from './config.js';
import { refuseWhileStopping } from './http/refuse-while-stopping.js';
import { startApi } from './start-api.js';

const SHUTDOWN_DEADLINE_MS = 15_000;

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
  stopOnSignal(await startApi(readConfig(), NO_FAILPOINTS));
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

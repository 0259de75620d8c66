import { DomainError } from '@ktrdr/errors';
import { NO_FAILPOINTS } from '@ktrdr/failpoints';
import { pino } from 'pino';
import { loadConfig, WorkerConfigurationError } from './config.js';
import { assertProgramsPresent } from './trainers/programs/programs-present.js';
import { runWorker } from './worker.js';

/** Conventional: 128 + SIGINT. */
const EXIT_ABORTED = 130;

async function main(): Promise<number> {
  const config = loadConfig();
  const log = pino({
    level: config.logLevel,
    base: { workerId: config.workerId, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
  await assertProgramsPresent(config.processTrainers, log);
  const shutdown = new AbortController();
  const abort = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (!shutdown.signal.aborted) {
      log.info({ signal }, 'asked to stop');
      return shutdown.abort();
    }
    log.warn({ signal }, 'asked again, leaving at once');
    abort.abort();
    process.exit(EXIT_ABORTED);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  try {
    const signals = { shutdown: shutdown.signal, abort: abort.signal };
    await runWorker(config, log, { signals, failpoints: NO_FAILPOINTS });
    return 0;
  } catch (err) {
    if (shutdown.signal.aborted) {
      log.info('stopped before it was connected');
      return 0;
    }
    log.fatal({ err }, err instanceof DomainError ? err.message : 'worker cannot run');
    return 1;
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const text = error instanceof WorkerConfigurationError ? error.message : String(error);
    process.stderr.write(`${text}\n`);
    process.exit(1);
  },
);

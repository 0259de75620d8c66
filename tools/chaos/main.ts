import { hasPassed, toText, violationText } from './chaos-report.js';
import type { ChaosStack } from './chaos-stack.js';
import { type ChaosOptions, parseChaosOptions, USAGE, UsageError } from './options.js';
import { runChaos } from './run-chaos.js';

const EXIT_VIOLATED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;
/** npm passes a Ctrl+C on that the terminal has sent to us already: two so close together are one. */
const SAME_KEYPRESS_MS = 500;

/** Aborted by the first signal; a second one ends the process, and the exit handler everything else. */
function untilSignalled(): AbortSignal {
  const controller = new AbortController();
  let firstAt: number | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      firstAt ??= Date.now();
      controller.abort(new Error(`interrupted by ${name}`));
      if (Date.now() - firstAt > SAME_KEYPRESS_MS) process.exit(EXIT_INTERRUPTED);
    });
  }
  return controller.signal;
}

/** Requests that nobody answers must not keep who has pressed Ctrl+C waiting. */
function rejectedWhenAborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  return promise;
}

async function breakThings(options: ChaosOptions): Promise<number> {
  const say = (line: string): void => (options.json ? console.error(line) : console.log(line));
  const signal = untilSignalled();
  let stack: ChaosStack | undefined;
  process.on('exit', () => stack?.killNow());
  const onStarted = (started: ChaosStack): void => {
    stack = started;
  };
  let isClean = false;
  try {
    const running = runChaos(options, { say, signal, onStarted });
    running.catch(() => undefined); // when it is not waited for any more
    const { report, records } = await Promise.race([running, rejectedWhenAborted(signal)]);
    isClean = hasPassed(report);
    console.log(options.json ? JSON.stringify(report) : `\n${toText(report)}`);
    if (!isClean) say(`\n${violationText(report, records)}`);
    return isClean ? 0 : EXIT_VIOLATED;
  } catch (error) {
    if (!signal.aborted) throw error;
    isClean = true;
    say('interrupted; ending everything');
    return EXIT_INTERRUPTED;
  } finally {
    await stack?.close();
    if (isClean && !options.keep) await stack?.removeFolder();
    else if (stack) say(`logs and data are in ${stack.place.dataDir}`);
  }
}

async function main(): Promise<number> {
  const options = parseChaosOptions(process.argv.slice(2));
  if (options !== undefined) return breakThings(options);
  console.log(USAGE);
  return 0;
}

try {
  process.exit(await main());
} catch (error) {
  if (error instanceof UsageError) {
    console.error(error.message);
    process.exit(EXIT_USAGE);
  }
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exit(EXIT_VIOLATED);
}

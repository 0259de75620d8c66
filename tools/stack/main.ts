import { rm } from 'node:fs/promises';
import { relative } from 'node:path';
import { dataRootsFor } from './data-roots.js';
import { afterLossOf } from './lost-part.js';
import { parseStackOptions, USAGE } from './options.js';
import type { StackOptions } from './options.js';
import { onUnexpectedEnd } from './part-process.js';
import type { PartProcess } from './part-process.js';
import { writeReadyFile } from './ready-file.js';
import { printingReport } from './report.js';
import { startStack } from './stack.js';
import type { Stack } from './stack.js';

/** npm passes a Ctrl+C on that the terminal has sent to us already: two so close together are one. */
const SAME_KEYPRESS_MS = 500;

const report = printingReport(console.log);

/** Resolves on the first signal; a second one ends the process through `force`. */
function onSignals(force: () => Promise<void>): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const receive = (signal: NodeJS.Signals): void => {
      if (firstAt === undefined) {
        firstAt = Date.now();
        resolve(signal);
      } else if (Date.now() - firstAt > SAME_KEYPRESS_MS) {
        console.log('ending everything now');
        void force().finally(() => process.exit(130));
      }
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, receive);
  });
}

function printWhatNext({ ready: { api_url, api_token }, place }: Stack): void {
  console.log(`
The stack is up. Ctrl+C ends it; the same command finds everything again.

  API    ${api_url}   (reference: ${api_url}/docs)
  token  ${api_token}
  logs   ${relative(process.cwd(), place.logs) || place.logs}

In another terminal:

  export KTRDR_API_URL=${api_url} KTRDR_API_TOKEN=${api_token}
  npx ktrdr operations start examples/strategies/sp500-direction.yaml --watch
  npx ktrdr operations
`);
}

/** Resolves with the part whose end leaves the stack useless. Every unexpected end is told when it happens. */
function firstFatalEnd({ core, workers }: Stack, { keepGoing }: StackOptions): Promise<PartProcess> {
  return new Promise((resolve) => {
    onUnexpectedEnd([...core, ...workers], (part, what) => {
      console.error(what);
      if (core.includes(part) && !keepGoing) resolve(part);
      else console.error(afterLossOf(part, workers));
    });
  });
}

async function main(): Promise<number> {
  const startedIn = process.env['INIT_CWD'] ?? process.cwd();
  const options = parseStackOptions(process.argv.slice(2), startedIn);
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  const startedAt = performance.now();
  console.log(`ktrdr stack in ${options.dataDir}`);
  let stack: Stack | undefined;
  let isStopping = false;
  const starting = new AbortController();
  const signalled = onSignals(async () => stack?.kill());
  void signalled.then(() => {
    isStopping = true;
    starting.abort();
  });
  if (options.readyFile !== undefined) await rm(options.readyFile, { force: true });
  try {
    const dataRoots = dataRootsFor({ given: process.env['KTRDR_DATA_ROOTS'], startedIn });
    stack = await startStack({ ...options, dataRoots }, report, starting.signal);
  } catch (error) {
    if (!isStopping) throw error;
    console.log('stopped while starting');
    return 130;
  }
  const fatal = firstFatalEnd(stack, options);
  if (options.readyFile !== undefined) await writeReadyFile(options.readyFile, stack.ready);
  console.log(`ready in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  printWhatNext(stack);
  const end = await Promise.race([signalled, fatal]);
  const isSignal = typeof end === 'string';
  console.log(
    isSignal ? `${end}: stopping (once more ends everything at once)` : `stopping, because ${end.name} is gone`,
  );
  await stack.stop();
  if (options.readyFile !== undefined) await rm(options.readyFile, { force: true });
  console.log('stopped');
  return isSignal ? 0 : 1;
}

try {
  process.exit(await main());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

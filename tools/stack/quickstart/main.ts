import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-port.js';
import { onUnexpectedEnd } from '../part-process.js';
import type { PartProcess } from '../part-process.js';
import { tailOf } from '../readiness.js';
import { printingReport } from '../report.js';
import { startStack } from '../stack.js';
import type { Stack } from '../stack.js';
import { parseQuickstartOptions, USAGE } from './options.js';
import { runScenario } from './scenario.js';

const WHAT_NEXT = `What to type next:

  npm run stack                      # the same, to stay; it prints the address and the token for ktrdr
  npx ktrdr operations start examples/strategies/sp500-direction.yaml --watch
  npx ktrdr operations --help
`;

async function showLogs(stack: Stack | undefined): Promise<void> {
  const isTelling = ({ name, isStopping, hasExited }: PartProcess): boolean =>
    name === 'API' || name.startsWith('worker') || (hasExited() && !isStopping());
  for (const part of [...(stack?.core ?? []), ...(stack?.workers ?? [])].filter(isTelling)) {
    console.error(`\nEnd of the log of ${part.name}:\n${await tailOf(part, 20)}`);
  }
}

/** Rejects on the first signal, so that what was started is ended in order. */
function interruption(aborting: AbortController): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        aborting.abort();
        reject(new Error(`Interrupted by ${signal}.`));
      });
    }
  });
}

/** Rejects when a part ends that nobody has stopped. */
function unexpectedEnd({ core, workers }: Stack): Promise<never> {
  return new Promise((_, reject) => onUnexpectedEnd([...core, ...workers], (_part, what) => reject(new Error(what))));
}

async function compareRuns(): Promise<number> {
  const startedAt = performance.now();
  const dataDir = await mkdtemp(join(tmpdir(), 'ktrdr-quickstart-'));
  await chmod(dataDir, 0o711); // as root, PostgreSQL runs as somebody else
  const aborting = new AbortController();
  const interrupted = interruption(aborting);
  interrupted.catch(() => undefined); // heard below, where it is raced; not a failure of its own
  const report = printingReport(console.log);
  const options = { workers: 2, dataDir, readyFile: undefined, port: await freePort(), keepGoing: false };
  let stack: Stack | undefined;
  let whatNext: string | undefined;
  try {
    console.log('Starting the embedded stack (PostgreSQL, NATS, API, two workers)');
    stack = await startStack(options, report, aborting.signal);
    const isEqual = await Promise.race([runScenario(stack, console.log), unexpectedEnd(stack), interrupted]);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    whatNext = isEqual ? WHAT_NEXT : undefined;
    console.log(isEqual ? `Done in ${seconds} s; cleaning up` : `The weights differ (${seconds} s).`);
    return isEqual ? 0 : 1;
  } catch (error) {
    console.error(`\nThe quickstart failed: ${error instanceof Error ? error.message : String(error)}`);
    if (!aborting.signal.aborted) await showLogs(stack);
    return 1;
  } finally {
    await stack?.stop();
    await rm(dataDir, { recursive: true, force: true });
    if (whatNext !== undefined) console.log(`\n${whatNext}`);
  }
}

/** Null when it is not to run, and why is told. */
function exitCodeOfUsage(): number | null {
  try {
    if (!parseQuickstartOptions(process.argv.slice(2)).isHelp) return null;
    console.log(USAGE);
    return 0;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
}

process.exit(exitCodeOfUsage() ?? (await compareRuns()));

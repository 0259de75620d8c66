import { availableParallelism, loadavg } from 'node:os';
import type { Bench } from './bench.js';
import { backends } from './benches/backends.js';
import { dedup } from './benches/dedup.js';
import { dispatch } from './benches/dispatch.js';
import { events } from './benches/events.js';
import { failover } from './benches/failover.js';
import { fleet } from './benches/fleet.js';
import { overhead } from './benches/overhead.js';
import { rest } from './benches/rest.js';
import { restore } from './benches/restore.js';
import { resumeAccept } from './benches/resume-accept.js';
import { resumeLatency } from './benches/resume-latency.js';
import { resumeRace } from './benches/resume-race.js';
import { s3 } from './benches/s3.js';
import { saveDurable } from './benches/save-durable.js';
import { saveStall } from './benches/save-stall.js';
import { throughput } from './benches/throughput.js';
import { type Figure, toFigure, toTable } from './figure.js';
import { type BenchOptions, parseBenchOptions, USAGE, UsageError } from './options.js';
import { openServices } from './services.js';

const BENCHES: readonly Bench[] = [
  resumeRace,
  resumeLatency,
  resumeAccept,
  dispatch,
  events,
  fleet,
  throughput,
  failover,
  saveStall,
  saveDurable,
  restore,
  s3,
  dedup,
  overhead,
  backends,
  rest,
];
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

const say = (line: string): void => console.error(line);

/** Who else computes here shows in every figure, and more in ours than in a reference that has less to do. */
function sayIfBusy(): void {
  const [load = 0] = loadavg();
  const cores = availableParallelism();
  if (load < cores) return;
  say(`bench: this machine is busy (load ${load.toFixed(1)} on ${cores} cores): expect times that are too long`);
}

/** Aborted by the first signal; a rejection comes with it, to race against. */
function untilSignalled(): Readonly<{ signal: AbortSignal; interrupted: Promise<never> }> {
  const controller = new AbortController();
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  interrupted.catch(() => undefined);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      controller.abort();
      reject(new Error(`interrupted by ${name}`));
    });
  }
  return { signal: controller.signal, interrupted };
}

async function measure(benches: readonly Bench[], { json, reference }: BenchOptions): Promise<number> {
  const { signal, interrupted } = untilSignalled();
  sayIfBusy();
  say('bench: starting PostgreSQL, NATS and the API in a temporary folder');
  const figures: Figure[] = [];
  const show = (): void => (json || figures.length === 0 ? undefined : console.log(toTable(figures)));
  try {
    const services = await openServices(say, signal);
    try {
      for (const bench of benches) {
        say(`${bench.name}:`);
        const running = bench.run({ services, reference, say: (line) => say(`  ${line}`) });
        const measured = await Promise.race([running, services.broken, interrupted]);
        const judged = measured.map((each) => toFigure(bench.name, each));
        if (json) for (const figure of judged) console.log(JSON.stringify(figure));
        figures.push(...judged);
      }
    } finally {
      await services.close();
    }
  } catch (error) {
    show(); // what was measured by then
    if (!signal.aborted) throw error;
    say('interrupted; everything that was started has been ended');
    return EXIT_INTERRUPTED;
  }
  show();
  const missed = figures.filter(({ pass }) => !pass);
  for (const { bench, figure, bar } of missed) say(`${bench}: ${figure} misses its bar (${bar})`);
  return missed.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const names = BENCHES.map(({ name }) => name);
  const options = parseBenchOptions(process.argv.slice(2), names, process.env['INIT_CWD'] ?? process.cwd());
  if (options === undefined) {
    console.log(`${USAGE}\n\nBenches: ${names.join(', ')}`);
    return 0;
  }
  const chosen = options.names.flatMap((name) => BENCHES.filter((bench) => bench.name === name));
  return measure(chosen, options);
}

try {
  process.exit(await main());
} catch (error) {
  if (error instanceof UsageError) {
    console.error(error.message);
    process.exit(EXIT_USAGE);
  }
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exit(1);
}

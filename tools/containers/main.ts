import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { repositoryRoot } from '../repository.js';
import { CACHE, docker, prepareBaseImages } from './base-images.js';
import { type Engine, NoEngineError, openEngine } from './engine.js';
import { buildImages, TARGETS } from './images.js';

/** Of usage errors, as everywhere. */
const EXIT_USAGE = 2;
const TESTS = ['npm', 'test', '--', '--selectProjects', 'containers', '--runInBand'];

const startedAt = Date.now();
const report = (line: string): void =>
  console.log(`${`${Math.round((Date.now() - startedAt) / 1000)}`.padStart(4)} s  ${line}`);

/** Set by the first signal: the step that runs is the last, and what was started is still ended and removed. */
let interrupted = false;
let child: ChildProcess | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
    if (child?.pid) signalGroup(child.pid, signal);
  });
}

function assertGoingOn(): void {
  if (interrupted) throw new Error('interrupted');
}

/** False: nothing of the group is left. npm itself passes no signal on to what it runs. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** Runs a program, in a process group of its own, until the whole group has ended. */
async function run([command = '', ...args]: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const options = { cwd: repositoryRoot, stdio: 'inherit', detached: true, env: { ...process.env, ...env } } as const;
  child = spawn(command, args, options);
  const [code] = (await once(child, 'close')) as [number | null];
  while (child.pid && signalGroup(child.pid, 0)) await delay(100);
  return code ?? 1;
}

/** Everything that a command needs to use this engine, testcontainers included. */
function environment(engine: Engine, tag: string, missing: ReadonlySet<string>): Record<string, string> {
  return {
    ...engine.env,
    // Its janitor is an image of its own, which no stand-in replaces; the tests end what they started themselves.
    TESTCONTAINERS_RYUK_DISABLED: 'true',
    KTRDR_TEST_DOCKER: engine.docker,
    KTRDR_TEST_COMPOSE: engine.compose.join(' '),
    KTRDR_TEST_TAG: tag,
    KTRDR_TEST_MISSING_IMAGES: [...missing].join(' '),
  };
}

/** With words after `--` it runs them on the engine; else it builds the images and runs the tests of containers. */
async function main(command: readonly string[]): Promise<number> {
  const engine = await openEngine(report);
  report(engine.name);
  const tag = `test-${process.pid}`;
  try {
    assertGoingOn();
    const { missing, origin } = await prepareBaseImages(engine, report);
    report(`base images: ${origin}`);
    if (missing.size > 0) report(`cannot be had here: ${[...missing].join(', ')}; what needs it is not tested`);
    assertGoingOn();
    const env = environment(engine, tag, missing);
    if (command.length > 0) return await run(command, env);
    await buildImages(engine, tag, report);
    assertGoingOn();
    return await run(TESTS, env);
  } finally {
    await docker(engine, 'image', 'rm', '--force', ...TARGETS.map((target) => `ktrdr-${target}:${tag}`)).catch(
      () => '',
    );
    await engine.stop();
    report(`ended and removed; kept: ${CACHE}${engine.installed.map((name) => `, ${name}`).join('')}`);
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof NoEngineError ? EXIT_USAGE : 1;
}

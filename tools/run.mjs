// Entry of `npm test`, `npm run stack` and the others: from whatever state the checkout is in to the command running.
// Plain JavaScript without dependencies: it must work on Node 20 before `npm ci` has happened.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = join(root, 'node_modules', '.bin');
const MODULES = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];

const JEST = 'node_modules/jest/bin/jest.js';

/**
 * What each command runs, below the root, and which projects are built for it (all when not said). `passes`: where nothing
 * is selected, it runs once with each of these.
 */
const COMMANDS = {
  test: {
    script: JEST,
    options: MODULES,
    // Trainings are measured and raced, so they have the machine for themselves; all the rest shares it.
    passes: [
      ['--selectProjects', 'unit', 'services', 'patient', '--maxWorkers=2'],
      ['--selectProjects', 'system', '--maxWorkers=1'],
    ],
  },
  // What `npm test` does in short, at its full length: minutes rather than seconds.
  'test:slow': {
    script: JEST,
    options: MODULES,
    args: ['/nats-replaced', '/events-kept', '/event-ingest', '--maxWorkers=1'],
    env: {
      KTRDR_TEST_NATS_KILLS: '20',
      KTRDR_TEST_TRAININGS: '8',
      KTRDR_TEST_KEPT_EVENTS: '1000000',
      KTRDR_TEST_EVENT_RUNS: '2500',
    },
  },
  'test:attacks': {
    script: JEST,
    options: MODULES,
    args: ['services/attacks/', '--maxWorkers=1'],
    env: { KTRDR_TEST_ATTACKS: 'all' },
  },
  'test:unit': { script: JEST, last: ['--selectProjects', 'unit'], options: MODULES },
  'test:containers': { script: 'tools/dist/containers/main.js' },
  stack: { script: 'tools/dist/stack/main.js' },
  quickstart: { script: 'tools/dist/stack/quickstart/main.js' },
  bench: { script: 'bench/dist/main.js' },
  chaos: { script: 'tools/dist/chaos/main.js' },
  'backend:native': { script: 'tools/dist/backend-native/main.js' },
  'db:migrate': { script: 'apps/migrate/dist/main.js', build: ['libs/errors', 'apps/migrate'] },
  'db:diff': { script: 'tools/dist/db/main.js', build: ['libs/errors', 'apps/migrate', 'tools'] },
  'db:generate': { script: 'tools/db/generate.mjs', build: null },
};

function fail(message) {
  console.error(message);
  process.exit(1);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Why what is installed is not what package-lock.json says, or undefined. */
function reasonToInstall() {
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (!installed) return 'nothing is installed yet';
  if (!existsSync(join(bin, 'node'))) return 'Node 24 is not installed yet';
  const wanted = Object.entries(readJson(join(root, 'package-lock.json'))?.packages ?? {});
  const differs = ([path, { version, link, optional, os, cpu }]) =>
    path.startsWith('node_modules/') && !link && !optional && !os && !cpu && installed[path]?.version !== version;
  const first = wanted.find(differs);
  return first && `${first[0].replace('node_modules/', '')} is not at ${first[1].version}`;
}

/** Runs a child to its end, passing signals on, and resolves to its exit code as a shell would give it. */
function run(command, args, { env = process.env, input = 'inherit' } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: [input, 'inherit', 'inherit'] });
    const forward = (signal) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    child.on('error', (error) => fail(`${command} could not be started: ${error.message}`));
    child.on('close', (code, signal) => {
      for (const each of signals) process.off(each, forward);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

async function installIfNeeded() {
  const reason = reasonToInstall();
  if (!reason) return;
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  console.log(`installing packages with npm ci (${reason}); the first time takes a minute or two`);
  const progress = setInterval(() => console.log(`  still installing, ${seconds()} s`), 10_000);
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const code = npm?.endsWith('.js') ? await run(process.execPath, [npm, ...args]) : await run('npm', args);
  clearInterval(progress);
  if (code !== 0) fail(`npm ci failed with exit code ${code}; its own words are above.`);
  console.log(`installed in ${seconds()} s`);
}

/** Of `--outputFile=results.json` each pass makes a file of its own: results.1.json, results.2.json. */
function numbered(arg, pass) {
  return arg.startsWith('--outputFile=') ? arg.replace(/(\.[^./]+)?$/, `.${pass}$1`) : arg;
}

const [name, ...args] = process.argv.slice(2);
const command = COMMANDS[name];
if (!command) fail(`Say what to run: ${Object.keys(COMMANDS).join(', ')}.`);

await installIfNeeded();
const node = join(bin, 'node');
const env = { ...command.env, ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, NX_DAEMON: 'false' };
if (command.build !== null) {
  const projects = command.build ?? ['--if-changed'];
  const code = await run(node, [join(root, 'tools', 'build', 'build.mjs'), ...projects], { env });
  if (code !== 0) process.exit(code);
}
const script = join(root, command.script);
if (!existsSync(script)) fail(`${command.script} does not exist; npm run build makes it.`);
if (command.options) env.NODE_OPTIONS = [env.NODE_OPTIONS, ...command.options].filter(Boolean).join(' ');
const isSelecting = args.some(
  (arg) => !arg.startsWith('-') || /^--(selectProjects|ignoreProjects|testPath|shard)/.test(arg),
);
const passes = command.passes && !isSelecting ? command.passes : [command.last ?? []];
process.exitCode = 0;
for (const [index, last] of passes.entries()) {
  const own = passes.length > 1 ? args.map((arg) => numbered(arg, index + 1)) : args;
  const code = await run(node, [script, ...(command.args ?? []), ...own, ...last], { env });
  process.exitCode ||= code;
  if (code > 128) break; // ended by a signal
}
if (name === 'test' && !isSelecting) {
  const native = { 1: 'tested on tfjs-node', gpu: 'tested on tfjs-node-gpu' }[process.env.KTRDR_NATIVE];
  console.error(`native TensorFlow: ${native ?? 'not tested (npm run backend:native, then KTRDR_NATIVE=1 npm test)'}`);
}

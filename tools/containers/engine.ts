import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A container engine, and the programs that speak to it. */
export type Engine = Readonly<{
  /** What it is, for people. */
  name: string;
  docker: string;
  /** The command of compose with its first words: `docker compose` or `docker-compose`. */
  compose: readonly string[];
  /** For every program that speaks to it. */
  env: Readonly<Record<string, string>>;
  /** What the search for it had to install; stays on the machine. */
  installed: readonly string[];
  /** Ends it, if it was started here, and removes everything in it. */
  stop(): Promise<void>;
}>;

/** Neither an engine, nor the means to start one; the message says what to install. */
export class NoEngineError extends Error {}

const PACKAGES = ['docker.io', 'docker-compose', 'iptables', 'iproute2', 'debootstrap', 'debian-archive-keyring'];
const PROGRAMS = ['/usr/sbin/dockerd', '/usr/bin/docker-compose', '/usr/sbin/iptables', '/usr/sbin/debootstrap'];
/** Of BuildKit inside the engine, which Debian's client asks for by this variable. */
const BUILDKIT = { DOCKER_BUILDKIT: '1', COMPOSE_DOCKER_CLI_BUILD: '1' };
/** The engine makes its bridge and leaves it behind. */
const BRIDGE = '/sys/class/net/docker0';
const STARTS_WITHIN_MS = 60_000;
/** Containers that compute share what their engine's group gets; as much as five processes outside it. */
const CPU_SHARES = 5_120;

async function succeeds(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  return run(command, args, { env, timeout: 10_000 }).then(
    ({ stdout }) => stdout.trim() !== '',
    () => false,
  );
}

/** An engine that answers and builds with BuildKit, as it was set up by whoever owns this machine. */
async function findEngine(): Promise<Engine | null> {
  if (!(await succeeds('docker', ['info', '--format', '{{.ServerVersion}}']))) return null;
  const hasPlugin = await succeeds('docker', ['compose', 'version']);
  const hasProgram = hasPlugin || (await succeeds('docker-compose', ['--version']));
  if (!hasProgram)
    throw new NoEngineError('Docker answers, but neither docker compose nor docker-compose is installed.');
  const { stdout } = await run('docker', ['info', '--format', '{{.ServerVersion}}']);
  return {
    name: `Docker ${stdout.trim()}, found running`,
    docker: 'docker',
    compose: hasPlugin ? ['docker', 'compose'] : ['docker-compose'],
    env: BUILDKIT,
    installed: [],
    stop: async () => undefined,
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function isDebian(): Promise<boolean> {
  return /^ID(_LIKE)?=.*debian/m.test(await readFile('/etc/os-release', 'utf8').catch(() => ''));
}

/** Debian's packages of what is missing. Its policy keeps the engine from starting as a service by itself. */
async function installEngine(report: (line: string) => void): Promise<readonly string[]> {
  const missing = await Promise.all(PROGRAMS.map(async (path) => !(await exists(path))));
  if (!missing.includes(true)) return [];
  report(`installing Debian's packages ${PACKAGES.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await run('apt-get', ['update', '-qq'], { env });
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...PACKAGES], { env, maxBuffer: 64 << 20 });
  return PACKAGES;
}

/**
 * An engine of our own on a private socket, which nothing else on the machine finds. It changes no firewall rule and no
 * route of the host: ports are passed on by its proxy, and builds use the host's network.
 */
async function startEngine(installed: readonly string[]): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), 'ktrdr-engine-'));
  const groupsBefore = await controlGroups();
  const hadBridge = await exists(BRIDGE);
  const socket = join(folder, 'docker.sock');
  const config = join(folder, 'daemon.json');
  const log = join(folder, 'dockerd.log');
  await writeFile(config, '{}');
  const flags = [
    ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--pidfile', join(folder, 'docker.pid'), '-H', `unix://${socket}`, '--config-file', config],
    ...['--exec-opt', 'native.cgroupdriver=cgroupfs'],
    ...['--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'],
  ];
  const daemon = spawn('/bin/sh', ['-c', 'exec /usr/sbin/dockerd "$@" >"$0" 2>&1', log, ...flags], {
    stdio: 'ignore',
    detached: true,
  });
  const ended = once(daemon, 'exit');
  const env = { DOCKER_HOST: `unix://${socket}`, ...BUILDKIT };
  const docker = '/usr/bin/docker';
  const deadline = Date.now() + STARTS_WITHIN_MS;
  while (!(await succeeds(docker, ['info', '--format', '{{.ServerVersion}}'], { ...process.env, ...env }))) {
    if (daemon.exitCode !== null || Date.now() > deadline) {
      const tail = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').at(-1);
      daemon.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
      throw new NoEngineError(`Debian's Docker engine does not start here: ${tail}`);
    }
    await delay(100);
  }
  await raiseShares();
  const { stdout } = await run(docker, ['info', '--format', '{{.ServerVersion}}'], { env: { ...process.env, ...env } });
  return {
    name: `Docker ${stdout.trim()}, started for this run`,
    docker,
    compose: ['/usr/bin/docker-compose'],
    env,
    installed,
    async stop() {
      daemon.kill('SIGTERM');
      await ended;
      await unmountBelow(folder);
      if (!hadBridge) await run('ip', ['link', 'delete', 'docker0']).catch(() => undefined);
      const ours = (await controlGroups()).filter((group) => !groupsBefore.includes(group));
      for (const group of ours)
        await run('find', [group, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']).catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The engine's groups, one below each controller, or one where there is a single hierarchy. */
async function controlGroups(): Promise<readonly string[]> {
  const root = '/sys/fs/cgroup';
  const names = await readdir(root).catch(() => []);
  const places = [root, ...names.map((name) => join(root, name))].map((place) => join(place, 'docker'));
  const found = await Promise.all(places.map(async (place) => ((await exists(place)) ? [place] : [])));
  return [...new Set(found.flat())];
}

/** Of version 1 of control groups only; version 2 shares out per container. */
async function raiseShares(): Promise<void> {
  await mkdir('/sys/fs/cgroup/cpu/docker', { recursive: true }).catch(() => undefined);
  await writeFile('/sys/fs/cgroup/cpu/docker/cpu.shares', `${CPU_SHARES}`).catch(() => undefined);
}

async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const mount of mounts.filter((path) => path.startsWith(`${folder}/`)).toReversed())
    await run('umount', ['-l', mount]).catch(() => undefined);
}

/**
 * The engine that answers, else one of our own, which needs root on Debian.
 * @throws {NoEngineError}
 */
export async function openEngine(report: (line: string) => void): Promise<Engine> {
  const found = await findEngine();
  if (found) return found;
  if (process.getuid?.() !== 0 || !(await isDebian()))
    throw new NoEngineError(
      'No container engine answers. Install Docker with compose and start it, or run this as root on Debian.',
    );
  return startEngine(await installEngine(report));
}

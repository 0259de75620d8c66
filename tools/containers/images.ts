import { spawn } from 'node:child_process';
import { repositoryRoot } from '../repository.js';
import { BASE_IMAGES, docker } from './base-images.js';
import type { Engine } from './engine.js';

/** Targets of docker/Dockerfile. */
export const TARGETS = ['api', 'worker', 'worker-python', 'cli', 'migrate'] as const;

/** Builds every image of ktrdr with this tag; on failure this throws with the end of what the builder printed. */
export async function buildImages(engine: Engine, tag: string, report: (line: string) => void): Promise<void> {
  for (const target of TARGETS) {
    const startedAt = Date.now();
    const reference = `ktrdr-${target}:${tag}`;
    const args = ['build', '--network', 'host', '-f', 'docker/Dockerfile', '--target', target, '-t', reference, '.'];
    await build(engine, args);
    const megabytes = (await overBase(engine, reference)) / 1e6;
    report(`${reference}: ${megabytes.toFixed(0)} MB over its base, built in ${seconds(startedAt)} s`);
  }
}

/** What an image adds to its base, in bytes. */
async function overBase(engine: Engine, reference: string): Promise<number> {
  const sizes = await docker(engine, 'image', 'inspect', '--format', '{{.Size}}', reference, BASE_IMAGES.node);
  const [own = 0, base = 0] = sizes.split('\n').map(Number);
  return own - base;
}

function build({ docker: command, env }: Engine, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, {
    cwd: repositoryRoot,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let tail = '';
  const keep = (chunk: Buffer): void => void (tail = (tail + chunk.toString()).slice(-4_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`docker ${args.join(' ')} failed:\n${tail}`)),
    );
  });
}

function seconds(startedAt: number): string {
  return ((Date.now() - startedAt) / 1000).toFixed(0);
}

import { NATIVE_PACKAGES } from '@ktrdr/trainer';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { inRepository, repositoryRoot } from '../repository.js';
import { TFJS } from './pins.js';
import { mustRun } from './programs.js';

const QUIET = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];

/** Runs npm, the one that runs this command where there is one. */
export async function npm(what: string, args: readonly string[]): Promise<void> {
  const self = process.env['npm_execpath'];
  const command = self?.endsWith('.js') ? process.execPath : 'npm';
  await mustRun(what, command, [...(self?.endsWith('.js') ? [self] : []), ...args, ...QUIET], { cwd: repositoryRoot });
}

export const packageFolderOf = (name: string): string => inRepository('node_modules', ...name.split('/'));

async function versionOf(name: string): Promise<string | null> {
  const file = `${packageFolderOf(name)}/package.json`;
  if (!existsSync(file)) return null;
  return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version;
}

/** Installs a native package without its install script, which would download TensorFlow; resolves to its folder. */
export async function installPackage(name: string): Promise<string> {
  if ((await versionOf(name)) !== TFJS) {
    // npm removes what it is not asked for: the other native package stays where it is there.
    const others = Object.values(NATIVE_PACKAGES).filter((other) => other !== name);
    const kept = (await Promise.all(others.map(async (other) => ((await versionOf(other)) ? other : null)))).filter(
      (other) => other !== null,
    );
    const wanted = [name, ...kept].map((each) => `${each}@${TFJS}`);
    await npm(`Installing ${name} with npm`, ['install', '--no-save', ...wanted]);
  }
  return packageFolderOf(name);
}

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

function rootAbove(folder: string): string {
  if (existsSync(join(folder, 'prisma.config.ts'))) return folder;
  const parent = dirname(folder);
  if (parent === folder)
    throw new Error('The root of the repository (the folder with prisma.config.ts) was not found.');
  return rootAbove(parent);
}

/** The folder of the checkout. Tools run from `tools/dist`, their tests from `tools`: both find it. */
export const repositoryRoot = rootAbove(import.meta.dirname);

/** An absolute path inside the checkout. */
export const inRepository = (...parts: readonly string[]): string => join(repositoryRoot, ...parts);

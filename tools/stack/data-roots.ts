import { resolve } from 'node:path';
import { inRepository } from '../repository.js';

export type DataRootsWish = Readonly<{
  /** `KTRDR_DATA_ROOTS` as the stack was given it. */
  given: string | undefined;
  /** The folder that the command was typed in. */
  startedIn: string;
}>;

/**
 * What the workers of a stack get for `KTRDR_DATA_ROOTS`: what the stack was given, relative folders counted from where it
 * was typed; else that folder and the examples.
 */
export function dataRootsFor({ given = '', startedIn }: DataRootsWish): string {
  const folders = given.split(',').flatMap((folder) => folder.trim() || []);
  const chosen = folders.length > 0 ? folders.map((folder) => resolve(startedIn, folder)) : [startedIn, EXAMPLES];
  return chosen.join(',');
}

const EXAMPLES = inRepository('examples');

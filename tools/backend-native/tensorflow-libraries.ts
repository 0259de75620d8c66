import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { inRepository } from '../repository.js';
import { type NativePins, NEEDED_ENTRIES, WHEEL_TAGS } from './pins.js';
import { CannotBuildError, lastWords, mustRun, run } from './programs.js';

const EXIT_NO_RANGES = 3;
/** From this version on, pip tells the address of a wheel without fetching it. */
const PIP_THAT_TELLS = 23.2;
const FETCH_ENTRIES = inRepository('tools', 'backend-native', 'fetch_entries.py');

type Say = (line: string) => void;

const pinned = (file: string): string => inRepository('tools', 'backend-native', file);
const pip = ['-m', 'pip', '--disable-pip-version-check', '--no-input'];

/**
 * Fetches TensorFlow's libraries and C headers into a folder, which is there whole or not at all.
 * @throws {CannotBuildError} when pip cannot fetch them, or they are not the pinned ones.
 */
export async function fetchLibraries(pins: NativePins, folder: string, say: Say): Promise<void> {
  const aside = `${folder}.${process.pid}.partial`;
  await mkdir(aside, { recursive: true });
  try {
    await fetchNeeded(pins, aside, say);
    for (const file of pins.further) await installWhole(file, aside, say);
    await rename(aside, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error; // else another one was faster
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function fetchNeeded(pins: NativePins, folder: string, say: Say): Promise<void> {
  const address = await addressOf(pins.wheel);
  if (address !== null) {
    say('fetching the needed parts of the TensorFlow wheel by range requests');
    const ended = await extract(address, pins, folder);
    if (ended.code === 0) return;
    if (ended.code !== EXIT_NO_RANGES) throw new CannotBuildError(`TensorFlow was not fetched: ${lastWords(ended)}`);
    say(`range requests do not work here (${lastWords(ended)})`);
  }
  say('fetching the whole TensorFlow wheel with pip');
  const downloads = join(folder, 'wheels');
  await fetchWithPip(pins.wheel, ['download', '-d', downloads]);
  const [wheel = ''] = await readdir(downloads);
  const ended = await extract(join(downloads, wheel), pins, folder);
  if (ended.code !== 0) throw new CannotBuildError(`TensorFlow was not unpacked: ${lastWords(ended)}`);
  await rm(downloads, { recursive: true });
}

function extract(wheel: string, { recordSha256 }: NativePins, folder: string) {
  return run('python3', [FETCH_ENTRIES, wheel, recordSha256, folder, ...NEEDED_ENTRIES]);
}

const Report = z.object({ install: z.tuple([z.object({ download_info: z.object({ url: z.url() }) })]) });

/**
 * Where pip, as it is configured here, would fetch the wheel from. Null: it does not say without fetching it, or it has
 * no address that can be read by range requests.
 */
async function addressOf(wheel: string): Promise<string | null> {
  const version = /^pip (\d+\.\d+)/.exec(await mustRun('pip', 'python3', [...pip, '--version']))?.[1];
  if (Number(version) < PIP_THAT_TELLS) return null;
  const scratch = await mkdtemp(join(tmpdir(), 'ktrdr-report-'));
  try {
    const report = join(scratch, 'report.json');
    const args = ['install', '--dry-run', '--ignore-installed', '--no-deps', '--require-hashes', ...WHEEL_TAGS];
    const where = ['--target', join(scratch, 'nothing'), '--report', report, '-r', pinned(wheel), '--quiet'];
    const { code } = await run('python3', [...pip, ...args, ...where]);
    if (code !== 0) return null; // fetching it says why
    const { install } = Report.parse(JSON.parse(await readFile(report, 'utf8')));
    const { url } = install[0].download_info;
    return /^https?:/.test(url) ? url : null;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function installWhole(file: string, folder: string, say: Say): Promise<void> {
  say(`fetching the wheels of ${file} with pip (3 GB)`);
  await fetchWithPip(file, ['install', '--no-compile', '--target', folder]);
}

async function fetchWithPip(file: string, args: readonly string[]): Promise<void> {
  const how = ['--no-deps', '--require-hashes', ...WHEEL_TAGS, '-r', pinned(file), '--quiet'];
  const ended = await run('python3', [...pip, ...args, ...how]);
  if (ended.code === 0) return;
  const advice = 'pip must reach a package index that has them; python3 -m pip config list shows how it is configured.';
  throw new CannotBuildError(`The wheels of ${file} were not fetched:\n${lastWords(ended)}\n${advice}`);
}

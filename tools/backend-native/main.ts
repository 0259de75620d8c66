import { findGpu, NATIVE_PACKAGES } from '@ktrdr/trainer';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { inRepository } from '../repository.js';
import { compileBinding, placeBinding } from './binding.js';
import { installPackage, packageFolderOf } from './npm-packages.js';
import { type NativeOptions, parseNativeOptions, unfitness, USAGE, UsageError } from './options.js';
import { type Device, DEVICES, PINS, TENSORFLOW, TFJS } from './pins.js';
import { CannotBuildError, demand, lastWords, run } from './programs.js';
import { judge } from './report.js';
import type { SelfCheck } from './self-check.js';
import { fetchLibraries } from './tensorflow-libraries.js';

const EXIT_UNFIT = 2;
const NO_GPU =
  'This machine has no NVIDIA GPU, or no driver for it: there is no /dev/nvidia0. Install the driver until nvidia-smi ' +
  'lists a GPU, or build for the processor: npm run backend:native. Nothing was fetched.';

const startedAt = performance.now();
const say = (line: string): void =>
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s  ${line}`);

/** Outside node_modules, so that `npm ci` leaves it alone. */
function cacheFolder(): string {
  const { XDG_CACHE_HOME: cache } = process.env;
  return join(cache?.startsWith('/') ? cache : join(homedir(), '.cache'), 'ktrdr');
}

function glibc(): string | undefined {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime;
}

/** What is kept of a build for a device. */
function keptFor(device: Device) {
  const folder = join(cacheFolder(), `tensorflow-${TENSORFLOW}-${device}`);
  return { folder, libraries: join(folder, 'tensorflow'), binding: join(folder, `tfjs-${TFJS}.node`) };
}

async function build({ device }: NativeOptions): Promise<void> {
  const pins = PINS[device];
  const kept = keptFor(device);
  const [isFetched, isCompiled] = [existsSync(kept.folder), existsSync(kept.binding)];
  if (device === 'gpu' && findGpu() === null) throw new CannotBuildError(NO_GPU);
  // Whatever is missing is named before anything is fetched.
  await demand([...(isCompiled ? [] : (['g++'] as const)), ...(isFetched ? [] : (['python3', 'pip'] as const))]);
  await mkdir(cacheFolder(), { recursive: true });
  if (isFetched) say(`TensorFlow ${TENSORFLOW} is in ${kept.folder}`);
  else await fetchLibraries(pins, kept.folder, say);
  say(`installing ${NATIVE_PACKAGES[pins.name]} ${TFJS} in node_modules`);
  const packageFolder = await installPackage(NATIVE_PACKAGES[pins.name]);
  if (!isCompiled) {
    say('compiling its binding with g++');
    await compileBinding(packageFolder, kept.libraries, kept.binding);
  }
  await placeAll();
  say('checking it: one step beside WASM, and three runs that must be equal');
  const checked = await run(process.execPath, [inRepository('tools/dist/backend-native/self-check.js'), pins.name]);
  if (checked.code !== 0) throw new CannotBuildError(`It is built, and does not train here:\n${lastWords(checked)}`);
  const { text, problem } = judge(JSON.parse(checked.stdout.trim().split('\n').at(-1) ?? '') as SelfCheck);
  console.log(text);
  if (problem !== null) throw new CannotBuildError(problem);
}

/** npm has unpacked the other native package anew, if it is there. */
async function placeAll(): Promise<void> {
  for (const device of DEVICES) {
    const { binding, libraries } = keptFor(device);
    const packageFolder = packageFolderOf(NATIVE_PACKAGES[PINS[device].name]);
    if (existsSync(packageFolder) && existsSync(binding)) await placeBinding(binding, packageFolder, libraries);
  }
}

async function main(): Promise<number> {
  const options = parseNativeOptions(process.argv.slice(2));
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  const unfit = unfitness({ platform: process.platform, arch: process.arch, glibc: glibc() });
  if (unfit !== null) {
    console.error(unfit);
    return EXIT_UNFIT;
  }
  await build(options);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UsageError) {
    console.error(error.message);
    process.exitCode = EXIT_UNFIT;
  } else {
    console.error(error instanceof CannotBuildError ? error.message : error);
    process.exitCode = 1;
  }
}

import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';

export type NativeName = 'tfjs-node-gpu' | 'tfjs-node';

export const NATIVE_PACKAGES: Readonly<Record<NativeName, string>> = {
  'tfjs-node-gpu': '@tensorflow/tfjs-node-gpu',
  'tfjs-node': '@tensorflow/tfjs-node',
};

/** What builds it, from the root of the repository. */
export const NATIVE_COMMANDS: Readonly<Record<NativeName, string>> = {
  'tfjs-node-gpu': 'npm run backend:native -- --gpu',
  'tfjs-node': 'npm run backend:native',
};

/** In the package's folder: what {@link NATIVE_COMMANDS} built its binding with. */
export const NATIVE_BUILD_FILE = 'ktrdr-build.json';

export const NativeBuild = z.object({
  /** TensorFlow's version. */
  tensorflow: z.string().min(1),
  /** Folder of libtensorflow_cc.so.2, outside node_modules. */
  libraries: z.string().min(1),
});
export type NativeBuild = z.infer<typeof NativeBuild>;

/** What the files of a native package say; nothing of it is loaded. */
export interface InstalledNative {
  /** Of the npm package. */
  readonly version: string;
  /** Version of TensorFlow; null: it was built elsewhere, and says so only when it is loaded. */
  readonly tensorflow: string | null;
  /** Why it cannot be loaded; null: nothing speaks against it. */
  readonly problem: string | null;
}

const LIBRARY = 'libtensorflow_cc.so.2';
const require = createRequire(import.meta.url);

/** Looks for a native package beside the trainer. Null: it is not installed. */
export function findNativePackage(name: NativeName): InstalledNative | null {
  const folder = folderOf(NATIVE_PACKAGES[name]);
  if (folder === null) return null;
  const { version } = z.object({ version: z.string() }).parse(readJson(join(folder, 'package.json')));
  const build = buildOf(folder);
  return { version, tensorflow: build?.tensorflow ?? null, problem: problemOf(folder, build) };
}

/** Folder of the libraries that `npm run backend:native` has fetched for it; null: it was built elsewhere, or not at all. */
export function nativeLibraries(name: NativeName): string | null {
  const folder = folderOf(NATIVE_PACKAGES[name]);
  return folder && (buildOf(folder)?.libraries ?? null);
}

function buildOf(folder: string): NativeBuild | null {
  return NativeBuild.safeParse(readJson(join(folder, NATIVE_BUILD_FILE))).data ?? null;
}

function problemOf(folder: string, build: NativeBuild | null): string | null {
  if (!sharesCore(folder)) return 'it has a copy of @tensorflow/tfjs-core of its own, so it cannot train our models';
  if (!hasBinding(folder)) return 'it is installed without its native part, tfjs_binding.node';
  if (build && !existsSync(join(build.libraries, LIBRARY))) return `${LIBRARY} is gone from ${build.libraries}`;
  return null;
}

function folderOf(packageName: string): string | null {
  try {
    return dirname(require.resolve(`${packageName}/package.json`));
  } catch {
    return null; // it is not installed
  }
}

/** Tensors of one copy of tfjs-core are unknown to another. */
function sharesCore(folder: string): boolean {
  const core = '@tensorflow/tfjs-core';
  return realpathSync(require.resolve(core, { paths: [folder] })) === realpathSync(require.resolve(core));
}

function hasBinding(folder: string): boolean {
  const lib = join(folder, 'lib');
  return existsSync(lib) && readdirSync(lib).some((napi) => existsSync(join(lib, napi, 'tfjs_binding.node')));
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null; // as if it were not there
  }
}

import { NATIVE_BUILD_FILE, type NativeBuild } from '@ktrdr/trainer';
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npm } from './npm-packages.js';
import { NODE_API_HEADERS, TENSORFLOW } from './pins.js';
import { mustRun } from './programs.js';

/** The Node-API version that the binding is compiled for; Node 20 and newer have it. */
const NAPI = 8;

/** Compiles the package's binding against the libraries, which it finds again by their absolute path. */
export async function compileBinding(packageFolder: string, libraries: string, target: string): Promise<void> {
  const build = await mkdtemp(join(tmpdir(), 'ktrdr-binding-'));
  try {
    await npm('Fetching the headers of Node-API with npm', [
      'install',
      '--no-save',
      '--prefix',
      build,
      `node-api-headers@${NODE_API_HEADERS}`,
    ]);
    const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(packageFolder, 'binding', name));
    const headers = [join(build, 'node_modules', 'node-api-headers', 'include'), join(libraries, 'include')];
    const aside = `${target}.${process.pid}`;
    await mustRun('Compiling the binding with g++', 'g++', [
      ...['-std=c++17', '-O2', '-fPIC', '-shared', `-DNAPI_VERSION=${NAPI}`],
      ...headers.map((folder) => `-I${folder}`),
      ...sources,
      ...['-o', aside, `-L${libraries}`, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
      `-Wl,-rpath,${libraries}`,
    ]);
    await rename(aside, target);
  } finally {
    await rm(build, { recursive: true, force: true });
  }
}

/** Puts the compiled binding where the package looks for it, and writes down what it was built with. */
export async function placeBinding(binding: string, packageFolder: string, libraries: string): Promise<void> {
  const folder = join(packageFolder, 'lib', `napi-v${NAPI}`);
  await mkdir(folder, { recursive: true });
  const aside = join(folder, `tfjs_binding.node.${process.pid}`);
  await copyFile(binding, aside);
  await rename(aside, join(folder, 'tfjs_binding.node'));
  const build: NativeBuild = { tensorflow: TENSORFLOW, libraries };
  await writeFile(join(packageFolder, NATIVE_BUILD_FILE), `${JSON.stringify(build, null, 2)}\n`);
}

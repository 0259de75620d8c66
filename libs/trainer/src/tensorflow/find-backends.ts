import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { Engine, FoundBackend } from './found-backend.js';
import { findNative } from './native/native-backend.js';

const WASM_PACKAGE = '@tensorflow/tfjs-backend-wasm';

/** One thread: several would add up in an order that changes from step to step. */
async function loadWasm(): Promise<Engine> {
  const { setThreadsCount, setWasmPaths, version_wasm } = await import('@tensorflow/tfjs-backend-wasm');
  const require = createRequire(import.meta.url);
  setWasmPaths(`${dirname(require.resolve(`${WASM_PACKAGE}/package.json`))}/dist/`);
  setThreadsCount(1);
  if (!(await tf.setBackend('wasm'))) throw new Error('WebAssembly could not start');
  const hasSimd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  // SIMD adds in another order than plain WebAssembly, so it belongs to the version.
  return { name: 'wasm', version: `${version_wasm}+${hasSimd ? 'simd' : 'plain'}` };
}

async function loadCpu(): Promise<Engine> {
  const { version_cpu } = await import('@tensorflow/tfjs-backend-cpu');
  return { name: 'cpu', version: version_cpu };
}

async function tryLoad(name: 'wasm' | 'cpu', load: () => Promise<Engine>): Promise<FoundBackend> {
  try {
    const engine = await load();
    return { name, usable: true, version: engine.version, engine: () => Promise.resolve(engine) };
  } catch (error) {
    const detail = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return { name, usable: false, problem: `it does not load: ${detail} (reinstall it: npm ci)` };
  }
}

/**
 * Finds every backend that this machine has. WASM and CPU are loaded, because the trainer brings them; a native one is
 * only looked for, and loaded when it is chosen.
 */
export async function findBackends(): Promise<readonly FoundBackend[]> {
  tf.enableProdMode();
  return [
    findNative('tfjs-node-gpu'),
    findNative('tfjs-node'),
    await tryLoad('wasm', loadWasm),
    await tryLoad('cpu', loadCpu),
  ];
}

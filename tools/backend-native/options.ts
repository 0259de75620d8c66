import { parseArgs } from 'node:util';
import type { Device } from './pins.js';

export type NativeOptions = Readonly<{ device: Device }>;

/** The command line asks for something that there is not. */
export class UsageError extends Error {}

export const USAGE = `npm run backend:native -- [--gpu]

  --gpu   for NVIDIA GPUs: @tensorflow/tfjs-node-gpu with CUDA 12 and cuDNN 9 (not run on a GPU yet)

Builds @tensorflow/tfjs-node against the libraries of PyPI's TensorFlow, checks it, and leaves it in node_modules.
What was fetched and compiled stays in \${XDG_CACHE_HOME:-~/.cache}/ktrdr: after npm ci, running it again takes seconds.`;

/** Reads the command line; undefined when only help was asked for. */
export function parseNativeOptions(args: readonly string[]): NativeOptions | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { gpu: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
    });
    return values.help ? undefined : { device: values.gpu ? 'gpu' : 'cpu' };
  } catch (cause) {
    throw new UsageError(`There is no ${args.join(' ')}; there is --gpu.`, { cause });
  }
}

type Platform = Readonly<{ platform: string; arch: string; glibc: string | undefined }>;

/** Why it cannot be built on such a machine; null: it can. */
export function unfitness({ platform, arch, glibc }: Platform): string | null {
  if (platform === 'linux' && arch === 'x64' && glibc !== undefined) return null;
  const here = platform === 'linux' && arch === 'x64' ? 'Linux without glibc' : `${platform} on ${arch}`;
  return `Native TensorFlow is built on Linux on x86-64 with glibc, and this is ${here}; WASM and CPU train here.`;
}

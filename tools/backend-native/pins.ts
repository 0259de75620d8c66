import type { NativeName } from '@ktrdr/trainer';

/** What one native backend is built of. */
export type NativePins = Readonly<{
  name: NativeName;
  /** File beside this one: the wheel with its SHA-256, as pip reads it. */
  wheel: string;
  /** SHA-256 of the wheel's RECORD, which has that of every entry. */
  recordSha256: string;
  /** Files of further wheels that are installed whole. */
  further: readonly string[];
}>;

/** The wheels hold the libraries and C headers of this version. */
export const TENSORFLOW = '2.21.0';
/** The one that all TensorFlow.js packages here have. */
export const TFJS = '4.22.0';
export const NODE_API_HEADERS = '1.9.0';

export const DEVICES = ['cpu', 'gpu'] as const;
export type Device = (typeof DEVICES)[number];

export const PINS: Readonly<Record<Device, NativePins>> = {
  cpu: {
    name: 'tfjs-node',
    wheel: 'tensorflow-cpu.txt',
    recordSha256: '158b2361f6ec664e24b430f593e7d369cd4e7cd9bb5a15504f4855eafa399417',
    further: [],
  },
  gpu: {
    name: 'tfjs-node-gpu',
    wheel: 'tensorflow-gpu.txt',
    recordSha256: '9bb2c55c126d4f3d3ae13717c581b7e633d7e9a2079531bb780ec882df9beb0b',
    further: ['cuda.txt'],
  },
};

/** Which wheel pip takes, whatever its own Python is. */
export const WHEEL_TAGS = [
  '--only-binary=:all:',
  '--python-version=3.11',
  '--implementation=cp',
  '--abi=cp311',
  '--abi=none',
  '--platform=manylinux_2_27_x86_64',
  '--platform=manylinux2014_x86_64',
  '--platform=manylinux2010_x86_64',
];

/** Of the wheel, what compiling and running the binding needs. */
export const NEEDED_ENTRIES = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/ctstring',
  'tensorflow/include/xla/tsl/',
  'tensorflow/include/tsl/platform/ctstring',
];

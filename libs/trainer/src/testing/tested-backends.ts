import type { BackendName } from '@ktrdr/specs';

const NATIVE: Readonly<Record<string, BackendName>> = { '1': 'tfjs-node', gpu: 'tfjs-node-gpu' };

function nativeBackends(asked: string | undefined): readonly BackendName[] {
  if (asked === undefined || asked === '') return [];
  const name = NATIVE[asked];
  if (!name) throw new Error(`KTRDR_NATIVE must be 1 (tfjs-node) or gpu (tfjs-node-gpu), not ${asked}`);
  return [name];
}

/** The native backend that the tests are asked to run on too; none where nobody has asked. */
export const TESTED_NATIVE = nativeBackends(process.env['KTRDR_NATIVE']);

/** The backends on which equality is tested. */
export const TESTED_BACKENDS: readonly BackendName[] = ['cpu', 'wasm', ...TESTED_NATIVE];

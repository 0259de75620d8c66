import { Flags } from '@oclif/core';

/** Every byte of a checkpoint is hashed before the API answers. */
export const VERIFY_SECONDS = 600;

/** What the API does meanwhile. */
export const VERIFICATION = 'hash every byte';

const DEFAULT_SECONDS = 15;

/** `--timeout`, which every command has; one that asks for much waits longer, or says more about it. */
export function timeoutFlag({
  seconds = DEFAULT_SECONDS,
  description = 'seconds to wait for the API, retries included',
}: { readonly seconds?: number; readonly description?: string } = {}) {
  return Flags.integer({ description, default: seconds, min: 1, max: 3600, helpGroup: 'API' });
}

import type { RestoredState } from '../training-run.js';
import type { CapturedState } from '../training-run.js';
import { decodeState } from '../training-state.js';

/** What a restore would read back from disk. */
export function toRestored({ files }: CapturedState): RestoredState {
  const bytes = (name: string) => files.find((file) => file.name === name)?.bytes() ?? null;
  return {
    state: decodeState(bytes('state.json')!),
    weights: bytes('weights.safetensors')!,
    optimizer: bytes('optimizer.safetensors')!,
    best: bytes('best.safetensors'),
  };
}

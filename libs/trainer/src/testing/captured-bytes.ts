import type { RestoredState } from '../training-run.js';
import type { CapturedState } from '../training-run.js';
import { decodeState } from '../state/training-state.js';

/** What a restore would read back from disk. */
export function toRestored({ files }: CapturedState): RestoredState {
  const bytes = (name: string) => {
    const file = files.find((candidate) => candidate.name === name);
    return file ? Buffer.concat(file.chunks()) : null;
  };
  return {
    state: decodeState(bytes('state.json')!),
    weights: bytes('weights.safetensors')!,
    optimizer: bytes('optimizer.safetensors')!,
    best: bytes('best.safetensors'),
  };
}

import type { DriftView, TrainerEvent } from '@ktrdr/contracts';
import { describeDrift, driftBetween } from '@ktrdr/operations';
import type { RestoredManifest } from './ports.js';

type Started = Extract<TrainerEvent, { type: 'started' }>;

/** What is not as it was when the restored checkpoint was saved, now that the trainer has said what it runs on. */
export function driftOf(
  manifest: RestoredManifest,
  { backend, backend_version, data_fingerprint }: Started,
  trainer: { readonly name: string; readonly version: string },
): DriftView[] {
  const before = {
    specSha256: manifest.spec_sha256,
    dataFingerprint: manifest.data_fingerprint,
    trainer: manifest.trainer,
    backend: manifest.backend,
  };
  const now = {
    trainer,
    backend: { name: backend ?? 'none', version: backend_version },
    dataFingerprint: data_fingerprint,
  };
  return [...driftBetween(before, now)];
}

export function driftMessage(drift: readonly DriftView[]): string {
  return `This is not as it was when the checkpoint was saved: ${describeDrift(drift)}. The numbers may differ from an uninterrupted run's`;
}

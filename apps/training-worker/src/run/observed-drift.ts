import type { DriftView, TrainerEvent } from '@ktrdr/contracts';
import { describeDrift, driftBetween } from '@ktrdr/operations/model';
import type { EventRecorder } from '../events/event-recorder.js';
import type { RestoredManifest } from '../trainers/ports.js';

interface Now {
  readonly event: Extract<TrainerEvent, { type: 'started' }>;
  readonly trainer: { readonly name: string; readonly version: string };
}

/**
 * What is not as it was when the restored checkpoint was saved, now that the trainer has said what it runs on. Anything
 * is a warning; without a checkpoint there is nothing.
 */
export function tellDrift(
  manifest: RestoredManifest | undefined,
  { event, trainer }: Now,
  recorder: Pick<EventRecorder, 'record'>,
): DriftView[] {
  if (!manifest) return [];
  const before = {
    dataFingerprint: manifest.data_fingerprint,
    trainer: manifest.trainer,
    backend: manifest.backend,
  };
  const { backend, backend_version: version, data_fingerprint: dataFingerprint } = event;
  const now = { trainer, backend: { name: backend ?? 'none', version }, dataFingerprint };
  const drift = [...driftBetween(before, now)];
  if (drift.length > 0) {
    const message = `This is not as it was when the checkpoint was saved: ${describeDrift(drift)}. The numbers may differ from an uninterrupted run's`;
    recorder.record({ type: 'warning', code: 'drift', message });
  }
  return drift;
}

import type { DriftView } from '@ktrdr/contracts';
import { describeDrift, driftBetween } from '@ktrdr/operations/model';
import type { RestoredManifest } from '../checkpoints/ports.js';
import type { Provenance } from '../checkpoints/save-record.js';
import type { EventRecorder } from '../events/event-recorder.js';

/** The differences between the restored checkpoint's origin and the present one. Any of them is recorded as a warning. */
export function recordDrift(
  { data_fingerprint: dataFingerprint, trainer, backend }: RestoredManifest,
  now: Provenance,
  recorder: Pick<EventRecorder, 'record'>,
): DriftView[] {
  const drift = [...driftBetween({ dataFingerprint, trainer, backend }, now)];
  if (drift.length > 0) {
    const message = `This differs from when the checkpoint was saved: ${describeDrift(drift)}. The numbers may differ from those of an uninterrupted run`;
    recorder.record({ type: 'warning', code: 'drift', message });
  }
  return drift;
}

import { CheckpointDamagedError } from '@ktrdr/checkpoint';
import type { ClaimedOperation, DriftView } from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import { describeDrift, driftBetween } from '@ktrdr/operations/model';
import type { Logger } from 'pino';
import { retry } from '../api-link/backoff.js';
import type { ReportingRpc } from '../api-link/reporting-rpc.js';
import type { CheckpointStorage, RestoredManifest } from '../checkpoints/ports.js';
import type { Provenance } from '../checkpoints/save-record.js';
import type { SpoolFolder } from '../checkpoints/spool.js';
import type { EventRecorder } from '../events/event-recorder.js';
import { sourceOf } from './claimed-operation.js';
import type { DataSources } from './ports.js';

type ResumeChoice = NonNullable<ClaimedOperation['resume']>;

/** Everything the trainer needs on this machine. */
export interface Prepared {
  readonly dataFile: string | null;
  readonly restored: {
    readonly dir: string;
    readonly choice: ResumeChoice;
    readonly manifest: RestoredManifest;
  } | null;
  readonly fellBackFrom: string | null;
}

export interface PreparationPorts {
  readonly storage: CheckpointStorage;
  readonly data: DataSources;
  readonly rpc: ReportingRpc;
  readonly log: Logger;
  readonly onTrouble: (error: unknown) => void;
}

const RETRY = { firstMs: 250, lastMs: 10_000 };

/**
 * Restores the checkpoint and finds the data. A damaged checkpoint is reported, and the older one that the API names is
 * taken. Null when the API knows none: it has failed the operation.
 * @throws {DataNotFoundError} and other errors that waiting does not mend
 */
export async function prepare(
  operation: ClaimedOperation,
  folder: SpoolFolder,
  ports: PreparationPorts,
  signal: AbortSignal,
): Promise<Prepared | null> {
  const dataFile = await whenReachable(() => ports.data.resolve(sourceOf(operation), folder.path), ports, signal);
  const chosen = operation.resume;
  for (let choice = chosen, n = 1; choice; n += 1) {
    const dir = folder.restore(n);
    const outcome = await restore(choice, dir, ports, signal);
    if ('manifest' in outcome) {
      const damaged = choice === chosen ? null : (chosen?.checkpoint_id ?? null);
      const fellBackFrom = operation.fell_back_from ?? damaged;
      return { dataFile, restored: { dir, choice, manifest: outcome.manifest }, fellBackFrom };
    }
    const { damage } = outcome;
    ports.log.warn({ checkpointId: choice.checkpoint_id, badFiles: damage.badFiles }, 'checkpoint damaged');
    const report = { checkpoint_id: choice.checkpoint_id, bad_files: damage.badFiles.map((file) => ({ ...file })) };
    const reply = await ports.rpc.call('restore-failed', report);
    if (!reply.resume) return null;
    choice = reply.resume;
  }
  return { dataFile, restored: null, fellBackFrom: null };
}

async function restore(
  choice: ResumeChoice,
  into: string,
  ports: PreparationPorts,
  signal: AbortSignal,
): Promise<{ readonly manifest: RestoredManifest } | { readonly damage: CheckpointDamagedError }> {
  const from = { manifestKey: choice.manifest_key, manifestSha256: choice.manifest_sha256, into };
  try {
    return await whenReachable(() => ports.storage.restore(from), ports, signal);
  } catch (error) {
    if (error instanceof CheckpointDamagedError) return { damage: error };
    throw error;
  }
}

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

/** Waits for an object store that cannot be reached. */
function whenReachable<T>(
  action: () => Promise<T>,
  { onTrouble, log }: PreparationPorts,
  signal: AbortSignal,
): Promise<T> {
  const onError = (error: unknown, tries: number): void => {
    if (!(error instanceof DomainError) || error.code !== 'object-store-unavailable') throw error;
    if (tries === 1) onTrouble(error);
    log.debug({ err: error, tries }, 'waiting for the object store');
  };
  return retry(action, { range: RETRY, signal, onError });
}

import { DomainError } from '@ktrdr/errors';
import {
  type BadFile,
  canonicalJson,
  type Checkpoint,
  effectiveSpec,
  type Operation,
  specSha256Of,
} from '@ktrdr/operations';
import type { OPERATION_TYPES } from '@ktrdr/operations/model';
import { sha256Of } from '../file-digest.js';
import { encodeManifest, type Manifest, parseManifest } from '../manifest.js';

/** A checkpoint as it leaves a deployment: everything but the bytes of its files. */
export interface CheckpointExport {
  readonly format: 'ktrdr-checkpoint';
  readonly version: 1;
  readonly exported_at: string;
  readonly operation: {
    readonly operation_id: string;
    readonly type: (typeof OPERATION_TYPES)[number];
    readonly name: string;
    readonly labels: Record<string, string>;
    readonly spec: unknown;
    readonly spec_sha256: string;
    readonly former_spec_sha256: string[];
    readonly requirements: string[];
    readonly pinned_backend: string | null;
    readonly max_recoveries: number;
    readonly steps: number;
    readonly epochs: number;
  };
  readonly manifest: Record<string, unknown>;
  readonly manifest_sha256: string;
  /** Of the canonical JSON of all the rest. */
  readonly sha256: string;
}

/** What an export says is not what its hashes say. Nothing was imported. */
class ExportAlteredError extends DomainError {
  readonly code = 'checkpoint-corrupted';
  constructor(name: string, detail: string) {
    const badFile: BadFile = { name, problem: 'wrong-hash', detail };
    super(`The export was altered: ${detail}. Nothing was imported; export the checkpoint again`, {
      bad_files: [badFile],
    });
  }
}

/** Describes a checkpoint for another deployment. */
export function toExport(
  operation: Operation,
  checkpoint: Checkpoint,
  manifest: Manifest,
  now: Date,
): CheckpointExport {
  const { spec, sha256 } = effectiveSpec(operation);
  const former = [operation.specSha256, ...operation.formerSpecSha256, manifest.spec_sha256];
  const document = {
    format: 'ktrdr-checkpoint' as const,
    version: 1 as const,
    exported_at: now.toISOString(),
    operation: {
      operation_id: operation.id,
      type: operation.type as CheckpointExport['operation']['type'],
      name: operation.name,
      labels: { ...operation.labels },
      spec,
      spec_sha256: sha256,
      former_spec_sha256: [...new Set(former)].filter((hash) => hash !== sha256),
      requirements: [...operation.requirements],
      pinned_backend: operation.pinnedBackend,
      max_recoveries: operation.maxRecoveries,
      steps: operation.progress?.steps ?? checkpoint.step,
      epochs: operation.progress?.epochs ?? checkpoint.epoch,
    },
    manifest: { ...manifest },
    manifest_sha256: checkpoint.manifestSha256,
  } satisfies Omit<CheckpointExport, 'sha256'>;
  return { ...document, sha256: hashOf(document) };
}

/**
 * The manifest of an export whose hashes are all right.
 * @throws {ExportAlteredError} @throws {ManifestIncompatibleError}
 */
export function manifestOf(document: CheckpointExport): Manifest {
  const { sha256, ...rest } = document;
  const manifest = parseManifest(document.manifest);
  if (sha256Of(encodeManifest(manifest)) !== document.manifest_sha256) {
    throw new ExportAlteredError('manifest', 'its manifest does not have the SHA-256 that it was stored under');
  }
  if (specSha256Of(document.operation.spec) !== document.operation.spec_sha256) {
    throw new ExportAlteredError('spec', 'its spec does not have the SHA-256 that it was trained under');
  }
  if (hashOf(rest) !== sha256) throw new ExportAlteredError('ktrdr-export.json', 'it does not have its own SHA-256');
  return manifest;
}

function hashOf(document: Omit<CheckpointExport, 'sha256'>): string {
  return sha256Of(Buffer.from(canonicalJson(document)));
}

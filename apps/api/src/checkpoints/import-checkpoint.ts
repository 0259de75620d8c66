import { randomBytes } from 'node:crypto';
import { encodeManifest, type Manifest, manifestKey, type ObjectStore, sha256Of, toUlid } from '@ktrdr/checkpoint';
import type { CheckpointExport } from '@ktrdr/contracts';
import { type CheckpointDraft, newOperationId, type Operation } from '@ktrdr/operations';
import type { ImportedOperation, PrismaCheckpointImport } from '@ktrdr/operations-prisma';
import { checkedSpec } from '../operations/draft.js';
import { assertObjectsStored } from '../platform/assert-objects-stored.js';
import { manifestOf } from './checkpoint-export.js';

export interface ImportRequest {
  readonly document: CheckpointExport;
  readonly name: string | undefined;
  readonly pool: string;
  readonly createdBy: string;
  readonly submissionKey: string | null;
  readonly now: Date;
}

/**
 * Makes an operation of an exported checkpoint, whose blobs have been sent before. It is paused where the checkpoint
 * was made; nothing that is here already is touched.
 */
export class ImportCheckpoint {
  constructor(
    private readonly imports: PrismaCheckpointImport,
    private readonly objects: ObjectStore,
  ) {}

  /**
   * @throws {ExportAlteredError} @throws {ManifestIncompatibleError} @throws {SpecInvalidError}
   * @throws {UploadIncompleteError} when blobs are missing
   */
  async execute(request: ImportRequest): Promise<Operation> {
    const original = manifestOf(request.document);
    const earlier = await this.imports.made(request.submissionKey);
    if (earlier) return earlier;
    const operation = toOperation(request, original);
    const manifest: Manifest = {
      ...original,
      operation_id: operation.id,
      checkpoint_id: toUlid(request.now.getTime(), randomBytes(10)),
      attempt: 1,
      seq: 0,
      parent_id: null,
    };
    const bytes = encodeManifest(manifest);
    const checkpoint = toCheckpoint(manifest, sha256Of(bytes));
    await this.objects.put(checkpoint.manifestKey, bytes);
    return this.imports.store(operation, checkpoint, () => assertObjectsStored(this.objects, checkpoint));
  }
}

function toOperation({ document, ...request }: ImportRequest, manifest: Manifest): ImportedOperation {
  const { operation: exported } = document;
  const { spec } = checkedSpec(exported.type, exported.spec);
  const id = newOperationId(exported.type, request.now, randomBytes(10));
  return {
    id,
    type: exported.type,
    name: request.name ?? exported.name,
    labels: exported.labels,
    pool: request.pool,
    priority: 0,
    spec,
    specSha256: exported.spec_sha256,
    formerSpecSha256: exported.former_spec_sha256,
    requirements: exported.requirements,
    pinnedBackend: exported.pinned_backend,
    progress: {
      step: manifest.step,
      epoch: manifest.epoch,
      steps: exported.steps,
      epochs: exported.epochs,
      examplesPerSecond: null,
    },
    maxRecoveries: exported.max_recoveries,
    parentId: null,
    origin: { kind: 'import', operationId: exported.operation_id, checkpointId: manifest.checkpoint_id },
    watchdog: { seconds: 600, onStall: 'warn' },
    createdBy: request.createdBy,
    submissionKey: request.submissionKey,
  };
}

function toCheckpoint(manifest: Manifest, manifestSha256: string): CheckpointDraft {
  const { checkpoint_id: id, operation_id: operationId, attempt, seq, kind, step, epoch, files, metrics } = manifest;
  return {
    id,
    seq,
    kind,
    step,
    epoch,
    createdAt: new Date(manifest.created_at),
    manifestKey: manifestKey({ operationId, attempt, seq, checkpointId: id }),
    manifestSha256,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    files,
    metrics,
    isBest: false,
    parentId: null,
    stallMs: null,
    saveMs: null,
    uploadedBytes: null,
  };
}

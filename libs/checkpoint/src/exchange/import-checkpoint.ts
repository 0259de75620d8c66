import { BACKENDS, type FieldProblem, type TrainingSpec } from '@ktrdr/specs';
import {
  askedBackend,
  assertTrainerAllowed,
  type CheckpointDraft,
  type ImportedOperation,
  LARGEST_COUNT,
  newOperationId,
  type Operation,
  parseSpec,
  RequestInvalidError,
  requirementsOf,
  type SubmissionRules,
  traitsOf,
} from '@ktrdr/operations';
import { sha256Of } from '../file-digest.js';
import { manifestKey, toUlid } from '../keys.js';
import { encodeManifest, type Manifest } from '../manifest.js';
import type { ObjectStore } from '../ports.js';
import { assertObjectsStored } from '../reading/missing-objects.js';
import { type CheckpointExport, manifestOf } from './checkpoint-export.js';

/** No checkpoint is older than this. */
const EARLIEST = new Date('2000-01-01T00:00:00Z');
/** By so much the clock of a deployment may be ahead of this one's. */
const CLOCK_TOLERANCE_MS = 86_400_000;

export interface ImportRequest {
  readonly document: CheckpointExport;
  readonly name: string | undefined;
  readonly pool: string;
  readonly createdBy: string;
  readonly submissionKey: string | null;
  readonly now: Date;
  /** Gives random bytes for ids. */
  readonly entropy: (bytes: number) => Uint8Array;
}

/** Where imported operations are stored. */
export interface ImportStore {
  /** The operation that this submission made before; null: none. */
  made(submissionKey: string | null): Promise<Operation | null>;
  /** Stores both or neither: a paused operation, and the checkpoint of its first attempt. */
  store(
    operation: ImportedOperation,
    checkpoint: CheckpointDraft,
    assertStored: () => Promise<void>,
  ): Promise<Operation>;
}

/** Makes a paused operation of an exported checkpoint, whose blobs were sent before. Changes nothing that exists. */
export class ImportCheckpoint {
  constructor(
    private readonly imports: ImportStore,
    private readonly objects: ObjectStore,
    private readonly rules: SubmissionRules,
  ) {}

  /**
   * @throws {ExportAlteredError} @throws {ManifestIncompatibleError} @throws {SpecInvalidError}
   * @throws {RequestInvalidError} naming what cannot be of this checkpoint
   * @throws {TrainerNotAllowedError} for a program where the operator allows none
   * @throws {UploadIncompleteError} when blobs are missing
   */
  async execute(request: ImportRequest): Promise<Operation> {
    const original = manifestOf(request.document);
    const earlier = await this.imports.made(request.submissionKey);
    if (earlier) return earlier;
    const operation = toOperation(request, original, this.rules);
    const manifest: Manifest = {
      ...original,
      operation_id: operation.id,
      checkpoint_id: toUlid(request.now.getTime(), request.entropy(10)),
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

function toOperation(
  { document, ...request }: ImportRequest,
  manifest: Manifest,
  rules: SubmissionRules,
): ImportedOperation {
  const { operation: exported } = document;
  assertTrainerAllowed(exported, rules);
  const spec = parseSpec(exported);
  const work = { type: exported.type, spec };
  const problems = [
    ...problemsOfManifest(manifest, request.now),
    ...problemsOfPlan({ ...exported, spec }, manifest),
    ...problemsOfRequirements(exported, manifest),
  ].map(({ path, message }) => ({ path: `export.${path}`, message }));
  if (problems.length > 0) throw new RequestInvalidError('body', problems);
  const trainedOn = backendOf(exported, manifest);
  const id = newOperationId(exported.type, request.now, request.entropy(10));
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
    requirements: requirementsOf(work, trainedOn ?? askedBackend(work)),
    pinnedBackend: trainedOn,
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

/** What its state was trained on; null: it has none that a worker could be required to have. */
function backendOf(exported: CheckpointExport['operation'], { backend }: Manifest): string | null {
  return traitsOf(exported).runsOn !== 'backend' || backend.name === 'none' ? null : backend.name;
}

/** What a manifest may say and no training can have come to. */
function problemsOfManifest({ step, epoch, created_at }: Manifest, now: Date): readonly FieldProblem[] {
  const made = new Date(created_at);
  const latest = new Date(now.getTime() + CLOCK_TOLERANCE_MS);
  return [
    ...Object.entries({ step, epoch })
      .filter(([, value]) => value > LARGEST_COUNT)
      .map(([name]) => ({ path: `manifest.${name}`, message: `must be at most ${LARGEST_COUNT}` })),
    ...(made >= EARLIEST && made <= latest
      ? []
      : [
          {
            path: 'manifest.created_at',
            message: `must be from ${EARLIEST.toISOString()} to ${latest.toISOString()}, a day from now`,
          },
        ]),
  ];
}

/** A built-in training has trained no more than is planned; 0: not known. Programs of their own plan what they like. */
function problemsOfPlan(exported: CheckpointExport['operation'], { step, epoch }: Manifest): readonly FieldProblem[] {
  if (traitsOf(exported).runsOn !== 'backend') return [];
  const plans = [
    { path: 'spec.epochs', planned: (exported.spec as TrainingSpec).epochs, trained: epoch, what: 'epochs' },
    { path: 'epochs', planned: exported.epochs, trained: epoch, what: 'epochs' },
    { path: 'steps', planned: exported.steps, trained: step, what: 'steps' },
  ];
  return plans
    .filter(({ planned, trained }) => planned > 0 && planned < trained)
    .map(({ path, planned, trained, what }) => ({
      path: `operation.${path}`,
      message: `plans ${planned} ${what} where the checkpoint has trained ${trained}: it must be at least as many`,
    }));
}

/**
 * What a worker must offer follows from the spec and the checkpoint. An export that tells of more than can have come of
 * them is none.
 */
function problemsOfRequirements(
  exported: CheckpointExport['operation'],
  { backend }: Manifest,
): readonly FieldProblem[] {
  const own = traitsOf(exported).savesCheckpoints === 'never' ? [] : [backend.name];
  const known = [...new Set<string>([...BACKENDS, ...own])];
  const tags = [...requirementsOf(exported, null), ...known.map((name) => `backend:${name}`)];
  const { requirements, pinned_backend: pinned } = exported;
  return [
    ...requirements.flatMap((tag, index) =>
      tags.includes(tag)
        ? []
        : [{ path: `operation.requirements.${index}`, message: `must be one of ${tags.join(', ')}` }],
    ),
    ...(pinned === null || known.includes(pinned)
      ? []
      : [{ path: 'operation.pinned_backend', message: `must be null or one of ${known.join(', ')}` }]),
  ];
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

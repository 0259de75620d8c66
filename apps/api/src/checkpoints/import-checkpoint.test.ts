import { randomBytes } from 'node:crypto';
import { encodeManifest, ImportCheckpoint, type Manifest, sha256Of, toExport } from '@ktrdr/checkpoint';
import { InMemoryObjectStore } from '@ktrdr/checkpoint/testing';
import { CheckpointExport } from '@ktrdr/contracts';
import { TrainingSpec } from '@ktrdr/specs';
import { givenCheckpoint, givenOperation } from '@ktrdr/operations/testing';
import { type ImportedOperation, specSha256Of } from '@ktrdr/operations';

const NOW = new Date('2026-11-22T10:15:00Z');
const ID = 'op_training_20261121_090000_abcdef1234';
const BLOB = sha256Of(Buffer.from('weights'));
const builtIn = TrainingSpec.parse({
  version: 1,
  data: { source: 'dataset:sp500' },
  features: [{ kind: 'return' }],
  model: { layers: [{ kind: 'dense', units: 4 }] },
  epochs: 100,
});
const program = { version: 1, trainer: { kind: 'process', command: ['python3', 'train.py'] } };

const MANIFEST: Manifest = {
  schema_version: 1,
  checkpoint_id: 'c1',
  operation_id: ID,
  attempt: 1,
  seq: 3,
  kind: 'pause',
  step: 500,
  epoch: 50,
  created_at: '2026-11-21T10:00:00.000Z',
  spec_sha256: specSha256Of(builtIn),
  data_fingerprint: 'd',
  trainer: { name: 't', version: '1' },
  backend: { name: 'wasm', version: '4.22.0' },
  metrics: {},
  parent_id: null,
  files: [{ name: 'weights.safetensors', bytes: 7, sha256: BLOB, blob: `blobs/sha256/${BLOB.slice(0, 2)}/${BLOB}` }],
};

interface Changes {
  readonly manifest?: Partial<Manifest>;
  readonly operation?: Partial<CheckpointExport['operation']>;
}

/** An export with these changes, whose hashes are all right. */
function givenExport({ manifest: changed, operation = {} }: Changes = {}): CheckpointExport {
  const manifest = { ...MANIFEST, ...changed };
  const spec = operation.spec ?? builtIn;
  const from = givenOperation({
    id: ID,
    spec,
    specSha256: specSha256Of(spec),
    requirements: ['type:training', 'backend:wasm'],
    pinnedBackend: 'wasm',
    progress: { step: 500, epoch: 50, steps: 1000, epochs: 100, examplesPerSecond: null },
  });
  const checkpoint = givenCheckpoint({ manifestSha256: sha256Of(encodeManifest(manifest)) });
  const { sha256: _, ...document } = toExport(from, checkpoint, manifest, NOW);
  const altered = { ...document, operation: { ...document.operation, ...operation } };
  return { ...altered, sha256: specSha256Of(altered) };
}

async function imported(
  document: CheckpointExport,
  rules = { allowsProcessTrainers: false },
): Promise<ImportedOperation> {
  const stored: ImportedOperation[] = [];
  const imports: ConstructorParameters<typeof ImportCheckpoint>[0] = {
    made: async () => null,
    store: async (operation) => {
      stored.push(operation);
      return givenOperation({ id: operation.id });
    },
  };
  const importing = new ImportCheckpoint(imports, new InMemoryObjectStore(), rules);
  const request = {
    name: undefined,
    pool: 'default',
    createdBy: 'ada',
    submissionKey: null,
    now: NOW,
    entropy: randomBytes,
  };
  await importing.execute({ document: CheckpointExport.parse(document), ...request });
  return stored[0]!;
}

/** The paths that a refused import names. */
async function problemsOf(changes: Changes): Promise<readonly string[]> {
  const error: unknown = await imported(givenExport(changes)).then(
    () => new Error('it was imported'),
    (reason: unknown) => reason,
  );
  const { problems } = error as { readonly problems?: readonly { readonly path: string }[] };
  if (!problems) throw error;
  return problems.map(({ path }) => path);
}

describe('an import', () => {
  it('requires of a worker what the spec asks for, and the backend of the checkpoint', async () => {
    expect(await imported(givenExport())).toMatchObject({
      requirements: ['type:training', 'backend:wasm'],
      pinnedBackend: 'wasm',
    });
    const without = givenExport({ operation: { requirements: [], pinned_backend: null } });
    expect(await imported(without)).toMatchObject({
      requirements: ['type:training', 'backend:wasm'],
      pinnedBackend: 'wasm',
    });
  });

  it('goes on with the backend of the checkpoint, whatever its operation trained on since', async () => {
    const moved = { requirements: ['type:training', 'backend:cpu'], pinned_backend: 'cpu' };
    expect(await imported(givenExport({ operation: moved }))).toMatchObject({
      requirements: ['type:training', 'backend:wasm'],
      pinnedBackend: 'wasm',
    });
    const own = { requirements: ['type:training', 'backend:numpy'], pinned_backend: 'numpy' };
    const manifest = { backend: { name: 'numpy', version: '2' } };
    expect(await imported(givenExport({ operation: own, manifest }))).toMatchObject({
      requirements: ['type:training', 'backend:numpy'],
      pinnedBackend: 'numpy',
    });
  });

  it('refuses what neither the spec nor the checkpoint can require', async () => {
    const requirements = ['type:training', 'backend:nonsense', 'trainer:process'];
    expect(await problemsOf({ operation: { requirements, pinned_backend: 'nonsense' } })).toEqual([
      'export.operation.requirements.1',
      'export.operation.requirements.2',
      'export.operation.pinned_backend',
    ]);
  });

  it('brings a program only where the operator allows it, to workers that run programs', async () => {
    const manifest = { backend: { name: 'python', version: '3.12.0' } };
    const document = givenExport({ operation: { spec: program, requirements: [], pinned_backend: null }, manifest });
    await expect(imported(document)).rejects.toMatchObject({ code: 'trainer-not-allowed' });
    expect(await imported(document, { allowsProcessTrainers: true })).toMatchObject({
      requirements: ['type:training', 'trainer:process'],
      pinnedBackend: null,
    });
  });

  it('refuses positions that no training can have come to, and times at which none was', async () => {
    expect(await problemsOf({ manifest: { step: Number.MAX_SAFE_INTEGER } })).toContain('export.manifest.step');
    expect(await problemsOf({ manifest: { epoch: 2_147_483_648 } })).toContain('export.manifest.epoch');
    for (const created_at of ['2099-01-01T00:00:00Z', '0001-01-01T00:00:00Z'])
      expect(await problemsOf({ manifest: { created_at } })).toEqual(['export.manifest.created_at']);
    const ahead = { created_at: '2026-11-23T10:00:00Z' }; // by a clock that is before this one's
    expect((await imported(givenExport({ manifest: ahead }))).progress.step).toBe(500);
  });

  it('refuses a plan of less than is trained already', async () => {
    expect(await problemsOf({ operation: { epochs: 2, steps: 20 } })).toEqual([
      'export.operation.epochs',
      'export.operation.steps',
    ]);
    expect(await problemsOf({ operation: { spec: { ...builtIn, epochs: 2 } } })).toEqual([
      'export.operation.spec.epochs',
    ]);
    const done = { operation: { spec: { ...builtIn, epochs: 50 }, epochs: 50, steps: 500 } };
    expect((await imported(givenExport(done))).progress).toMatchObject({ epoch: 50, epochs: 50 });
    const untold = { operation: { epochs: 0, steps: 0 } }; // by a worker's own trainer
    expect((await imported(givenExport(untold))).progress).toMatchObject({ epoch: 50, epochs: 0 });
  });
});

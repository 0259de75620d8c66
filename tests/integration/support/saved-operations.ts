import { CheckpointStore } from '@ktrdr/checkpoint';
import { DomainError } from '@ktrdr/errors';
import type { CheckpointRecord } from '@ktrdr/contracts';
import { NO_FAILPOINTS } from '@ktrdr/failpoints';
import { openObjectStore } from '@ktrdr/object-store';
import type { Lease, OperationDraft, TransitionCommand } from '@ktrdr/operations';
import { openDatabase, PrismaCheckpointRepository, PrismaOperationStore } from '@ktrdr/operations-prisma';
import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommitCheckpoint } from '../../../apps/api/src/worker-rpc/commit-checkpoint.js';
import { draftOperation } from './given-store.js';
import type { Services } from './given-services.js';

const LEASE_MS = 3_600_000;
const TRIES = 5;

export interface Save {
  readonly step: number;
  /** Content by file name; equal contents are stored once. */
  readonly files: Readonly<Record<string, string>>;
  readonly kind?: CheckpointRecord['kind'];
  readonly isBest?: boolean;
  readonly createdAt?: Date;
}

/** A blob that it reused was collected in between: its own upload, or the commit, has noticed. */
export function isIncomplete(error: unknown): boolean {
  return error instanceof DomainError && error.code === 'checkpoint-failed';
}

export type Saving = ReturnType<typeof savingOver>;

/** Operations whose checkpoints are really stored and committed, without a training behind them. */
export function savingOver(services: Services) {
  const database = openDatabase({ url: services.databaseUrl, connections: 8 });
  services.onClose(() => database.$disconnect());
  const operations = new PrismaOperationStore(database);
  const checkpoints = new PrismaCheckpointRepository(database);
  const objects = openObjectStore(services.objectStoreUrl);
  const store = new CheckpointStore(objects);
  const commits = new CommitCheckpoint(checkpoints, objects, NO_FAILPOINTS, () => undefined);
  let uploads = 0;

  /** Running, with a lease that nobody but the test ends. */
  const running = async (draft: Partial<OperationDraft> = {}): Promise<Lease> => {
    const { operation } = await operations.submit(draftOperation(draft));
    return claim(operation.id);
  };

  const claim = async (id: string): Promise<Lease> => {
    const { pool } = await operations.get(id);
    const capabilities = ['type:training', 'backend:wasm'];
    const claimed = await operations.claim({
      workerId: 'w',
      claimId: randomUUID(),
      pool,
      capabilities,
      leaseMs: LEASE_MS,
    });
    if (claimed?.operation.id !== id) throw new Error(`claimed ${claimed?.operation.id} rather than ${id}`);
    return { operationId: id, attempt: claimed.operation.attempt, workerId: 'w' };
  };

  const upload = async ({ operationId, attempt }: Lease, save: Save): Promise<CheckpointRecord> => {
    const { step, files, kind = 'periodic', isBest = false, createdAt = new Date() } = save;
    uploads += 1;
    const seq = uploads;
    const id = randomUUID();
    const dir = join(services.folder, 'spool', id);
    await mkdir(dir, { recursive: true });
    for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content);
    const position = { seq, kind, step, epoch: 1, metrics: {}, parent_id: null };
    const uploaded = await store.upload({
      ...position,
      dir,
      files: Object.keys(files),
      checkpoint_id: id,
      operation_id: operationId,
      attempt,
      created_at: new Date().toISOString(),
      spec_sha256: 'a'.repeat(64),
      data_fingerprint: 'f',
      trainer: { name: 'test', version: '1' },
      backend: { name: 'wasm', version: '1' },
    });
    await rm(dir, { recursive: true });
    return {
      ...position,
      id,
      created_at: createdAt.toISOString(),
      manifest_key: uploaded.manifestKey,
      manifest_sha256: uploaded.manifestSha256,
      bytes: uploaded.bytes,
      files: uploaded.manifest.files.map((file) => ({ ...file })),
      is_best: isBest,
      stall_ms: 1,
      save_ms: 1,
      uploaded_bytes: uploaded.uploadedBytes,
    };
  };

  const commit = (lease: Lease, record: CheckpointRecord): Promise<void> => commits.execute(lease, record);

  return {
    database,
    objects,
    operations,
    checkpoints,
    running,
    claim,
    upload,
    commit,
    /** Like a worker: uploads again when it, or the commit, found something missing. */
    async save(lease: Lease, save: Save): Promise<string> {
      for (let tries = 1; ; tries += 1) {
        try {
          const record = await upload(lease, save);
          await commit(lease, record);
          return record.id;
        } catch (error) {
          if (!isIncomplete(error) || tries === TRIES) throw error;
        }
      }
    },
    async apply(operationId: string, event: TransitionCommand['event'], resumeCheckpointId?: string | null) {
      return operations.transition({
        operationId,
        event,
        actor: 'test',
        reason: null,
        expect: {},
        changes: resumeCheckpointId === undefined ? {} : { resumeCheckpointId },
        details: {},
      });
    },
    /** A new pair of eyes: what it says of the bytes rests on nothing read before. */
    verified: ({ manifestKey, manifestSha256 }: { manifestKey: string; manifestSha256: string }) =>
      new CheckpointStore(objects).verify({ manifestKey, manifestSha256, depth: 'deep' }),
    async keys(): Promise<readonly string[]> {
      const keys: string[] = [];
      for await (const { key } of objects.list('')) keys.push(key);
      return keys.sort();
    },
  };
}

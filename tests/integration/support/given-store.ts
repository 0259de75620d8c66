import {
  type CheckpointDraft,
  newOperationId,
  type Operation,
  type OperationDraft,
  type OperationStatus,
  type TransitionCommand,
} from '@ktrdr/operations';
import {
  ingest,
  type IngestedEvent,
  openDatabase,
  OperationRecords,
  PrismaCheckpointRepository,
  PrismaOperationStore,
} from '@ktrdr/operations-prisma';
import { randomBytes, randomUUID } from 'node:crypto';
import { givenServices } from './given-services.js';

export const CHECKPOINT_ACTOR = 'test';

export function draftOperation(overrides: Partial<OperationDraft> = {}): OperationDraft {
  return {
    id: newOperationId('training', new Date(), randomBytes(10)),
    type: 'training',
    name: 'test',
    labels: {},
    pool: `pool-${randomUUID()}`,
    priority: 0,
    spec: { batch_size: 32 },
    specSha256: 'a'.repeat(64),
    requirements: ['type:training'],
    maxRecoveries: 3,
    parentId: null,
    origin: null,
    watchdog: null,
    createdBy: CHECKPOINT_ACTOR,
    submissionKey: null,
    ...overrides,
  };
}

/** How each status is reached, through the table alone. */
const PATHS: Readonly<Record<OperationStatus, readonly (TransitionCommand['event'] | 'claim')[]>> = {
  queued: [],
  running: ['claim'],
  pausing: ['claim', 'pause'],
  paused: ['pause'],
  resuming: ['pause', 'resume'],
  cancelling: ['claim', 'cancel'],
  cancelled: ['cancel'],
  completed: ['claim', 'complete'],
  failed: ['claim', 'fail'],
};

export type StoreUnderTest = Awaited<ReturnType<typeof givenStore>>;

/** The real adapters on a database of their own. */
export async function givenStore() {
  const services = await givenServices();
  const database = openDatabase({ url: services.databaseUrl, connections: 10 });
  const operations = new PrismaOperationStore(database);
  const checkpoints = new PrismaCheckpointRepository(database);
  let seq = 0;

  const checkpointDraft = (operationId: string): CheckpointDraft => {
    seq += 1;
    return {
      id: randomUUID(),
      seq,
      kind: 'periodic',
      step: seq,
      epoch: 1,
      createdAt: new Date(),
      manifestKey: `checkpoints/${operationId}/${randomUUID()}/manifest.json`,
      manifestSha256: 'b'.repeat(64),
      bytes: 10,
      files: [{ name: 'weights.safetensors', bytes: 10, sha256: 'c'.repeat(64), blob: 'blobs/sha256/cc/c' }],
      metrics: {},
      isBest: false,
      parentId: null,
      stallMs: 1,
      saveMs: 2,
      uploadedBytes: 10,
    };
  };

  const claim = async (id: string): Promise<Operation> => {
    const { pool } = await operations.get(id);
    const claimed = await operations.claim({
      workerId: 'w',
      claimId: randomUUID(),
      pool,
      capabilities: ['type:training'],
      leaseMs: 6000,
    });
    if (claimed?.operation.id !== id) throw new Error(`claimed ${claimed?.operation.id} rather than ${id}`);
    return claimed.operation;
  };

  const apply = async (operationId: string, event: TransitionCommand['event']): Promise<void> => {
    const outcome = await operations.transition({
      operationId,
      event,
      actor: CHECKPOINT_ACTOR,
      reason: null,
      expect: {},
      changes: {},
      details: {},
    });
    if (outcome.kind === 'refused') throw new Error(`${event} was refused in ${outcome.operation.status}`);
  };

  return {
    database,
    databaseUrl: services.databaseUrl,
    operations,
    records: new OperationRecords(database),
    checkpoints,
    checkpointDraft,
    claim,
    apply,
    sql: database.$queryRaw.bind(database),
    /** How many were new; -1: the attempt may not write any more. */
    ingest: async (operationId: string, attempt: number, events: readonly IngestedEvent[], workerId = 'w') =>
      (await Promise.all(await ingest(database, [{ operationId, attempt, workerId, events }])))[0],
    /** A connection of its own, for what happens beside the store. */
    connection: services.database,
    async givenStatus(status: OperationStatus, { withCheckpoint = false, maxRecoveries = 3 } = {}): Promise<Operation> {
      const { operation } = await operations.submit(draftOperation({ maxRecoveries }));
      for (const event of PATHS[status]) {
        if (event === 'claim') {
          const { attempt } = await claim(operation.id);
          const lease = { operationId: operation.id, attempt, workerId: 'w' };
          if (withCheckpoint) await checkpoints.commit(lease, checkpointDraft(operation.id), () => Promise.resolve());
        } else await apply(operation.id, event);
      }
      return operations.get(operation.id);
    },
    async close(): Promise<void> {
      await database.$disconnect();
      await services.close();
    },
  };
}

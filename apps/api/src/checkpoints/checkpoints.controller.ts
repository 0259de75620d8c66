import { Controller, Inject } from '@nestjs/common';
import { ScheduledSweep } from '@ktrdr/checkpoint';
import {
  type CheckpointPage,
  type CheckpointStats,
  type CheckpointView,
  ROUTES,
  type VerifyView,
} from '@ktrdr/contracts';
import { type Checkpoint, CheckpointNotFoundError, DeleteCheckpoint } from '@ktrdr/operations';
import { CheckpointGarbageStore, PrismaCheckpointRepository, PrismaOperationStore } from '@ktrdr/operations-prisma';
import { type Asked, Serves } from '../http/serves.js';
import { StoredCheckpoints } from '../platform/stored-checkpoints.js';
import { toCheckpointViews } from './checkpoint.presenter.js';
import { toLastSweep } from './cleanup.presenter.js';

const routes = ROUTES.checkpoints;

@Controller()
export class CheckpointsController {
  constructor(
    @Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore,
    @Inject(PrismaCheckpointRepository) private readonly checkpoints: PrismaCheckpointRepository,
    @Inject(CheckpointGarbageStore) private readonly collection: CheckpointGarbageStore,
    @Inject(ScheduledSweep) private readonly orphans: ScheduledSweep,
    @Inject(StoredCheckpoints) private readonly stored: StoredCheckpoints,
    @Inject(DeleteCheckpoint) private readonly deleteCheckpoint: DeleteCheckpoint,
  ) {}

  @Serves(routes.ofOperation)
  async ofOperation({ id }: Asked<typeof routes.ofOperation>): Promise<CheckpointPage> {
    return { items: await this.views(id) };
  }

  @Serves(routes.stats)
  async stats(): Promise<CheckpointStats> {
    const [stats, lastSweep] = await Promise.all([this.checkpoints.stats(), this.orphans.last()]);
    const { count, logicalBytes, storedBytes, oldestAt, operations } = stats;
    return {
      count,
      logical_bytes: logicalBytes,
      stored_bytes: storedBytes,
      oldest_at: oldestAt?.toISOString() ?? null,
      operations: operations.map((row) => ({ operation_id: row.operationId, count: row.count, bytes: row.bytes })),
      last_orphan_sweep: toLastSweep(lastSweep),
    };
  }

  @Serves(routes.show)
  async show({ id }: Asked<typeof routes.show>): Promise<CheckpointView> {
    return this.view(await this.checkpoints.get(id));
  }

  @Serves(routes.verify)
  async verify({ id, body: { depth } }: Asked<typeof routes.verify>): Promise<VerifyView> {
    const checkpoint = await this.checkpoints.get(id);
    const { badFiles, filesChecked, bytesHashed } = await this.stored.verify(checkpoint, depth);
    if (badFiles.length > 0) await this.checkpoints.markCorrupted(id, badFiles);
    else if (depth === 'deep') await this.collection.markVerified(checkpoint);
    return {
      checkpoint_id: id,
      valid: badFiles.length === 0,
      files_checked: filesChecked,
      bytes_hashed: bytesHashed,
      bad_files: [...badFiles],
    };
  }

  @Serves(routes.pin)
  async pin({ id }: Asked<typeof routes.pin>): Promise<CheckpointView> {
    return this.view(await this.checkpoints.setPinned(id, true));
  }

  @Serves(routes.unpin)
  async unpin({ id }: Asked<typeof routes.unpin>): Promise<CheckpointView> {
    return this.view(await this.checkpoints.setPinned(id, false));
  }

  @Serves(routes.remove)
  delete({ id, query }: Asked<typeof routes.remove>): Promise<void> {
    return this.deleteCheckpoint.execute(id, query);
  }

  private async view(checkpoint: Checkpoint): Promise<CheckpointView> {
    const siblings = await this.views(checkpoint.operationId);
    const view = siblings.find(({ checkpoint_id }) => checkpoint_id === checkpoint.id);
    if (!view) throw new CheckpointNotFoundError(checkpoint.id);
    return view;
  }

  private async views(operationId: string): Promise<CheckpointView[]> {
    const operation = await this.operations.get(operationId);
    return toCheckpointViews(operation, await this.checkpoints.ofOperation(operationId));
  }
}

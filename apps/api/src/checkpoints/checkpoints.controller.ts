import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ScheduledSweep } from '@ktrdr/checkpoint';
import {
  type CheckpointPage,
  type CheckpointStats,
  type CheckpointView,
  DeleteCheckpointQuery,
  VerifyBody,
  type VerifyView,
} from '@ktrdr/contracts';
import { type Checkpoint, CheckpointNotFoundError, DeleteCheckpoint } from '@ktrdr/operations';
import { PrismaCheckpointCollection, PrismaCheckpointRepository, PrismaOperationStore } from '@ktrdr/operations-prisma';
import type { z } from 'zod';
import { zod } from '../http/zod.pipe.js';
import { operationId } from '../operations/operations.controller.js';
import { StoredCheckpoints } from '../platform/stored-checkpoints.js';
import { toCheckpointViews } from './checkpoint.presenter.js';
import { toLastSweep } from './cleanup.presenter.js';

@Controller()
export class CheckpointsController {
  constructor(
    @Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore,
    @Inject(PrismaCheckpointRepository) private readonly checkpoints: PrismaCheckpointRepository,
    @Inject(PrismaCheckpointCollection) private readonly collection: PrismaCheckpointCollection,
    @Inject(ScheduledSweep) private readonly orphans: ScheduledSweep,
    @Inject(StoredCheckpoints) private readonly stored: StoredCheckpoints,
    @Inject(DeleteCheckpoint) private readonly deleteCheckpoint: DeleteCheckpoint,
  ) {}

  @Get('operations/:id/checkpoints')
  async ofOperation(@Param('id', operationId) id: string): Promise<CheckpointPage> {
    return { items: await this.views(id) };
  }

  @Get('checkpoints/stats')
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

  @Get('checkpoints/:id')
  async show(@Param('id') id: string): Promise<CheckpointView> {
    return this.view(await this.checkpoints.get(id));
  }

  @Post('checkpoints/:id/verify')
  @HttpCode(200)
  async verify(
    @Param('id') id: string,
    @Body(zod(VerifyBody)) { depth }: z.output<typeof VerifyBody>,
  ): Promise<VerifyView> {
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

  @Post('checkpoints/:id/pin')
  @HttpCode(200)
  async pin(@Param('id') id: string): Promise<CheckpointView> {
    return this.view(await this.checkpoints.setPinned(id, true));
  }

  @Post('checkpoints/:id/unpin')
  @HttpCode(200)
  async unpin(@Param('id') id: string): Promise<CheckpointView> {
    return this.view(await this.checkpoints.setPinned(id, false));
  }

  @Delete('checkpoints/:id')
  @HttpCode(204)
  delete(
    @Param('id') id: string,
    @Query(zod(DeleteCheckpointQuery, 'query')) { force }: DeleteCheckpointQuery,
  ): Promise<void> {
    return this.deleteCheckpoint.execute(id, { force });
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

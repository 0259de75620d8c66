import { Readable } from 'node:stream';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Put, Req, StreamableFile } from '@nestjs/common';
import {
  blobKey,
  CheckpointStore,
  contentOf,
  ObjectNotFoundError,
  type ObjectStore,
  sha256Of,
} from '@ktrdr/checkpoint';
import { type CheckpointExport, ImportBody, type OperationView } from '@ktrdr/contracts';
import { MAX_BLOB_BYTES } from '@ktrdr/operations';
import { PrismaCheckpointRepository, PrismaOperationStore } from '@ktrdr/operations-prisma';
import type { z } from 'zod';
import { actorOf, type AuthenticatedRequest } from '../http/bearer-token.guard.js';
import { RequestInvalidError } from '../http/errors.js';
import { readBody } from '../http/octet-stream.js';
import { zod } from '../http/zod.pipe.js';
import { submissionKeyOf } from '../operations/operations.controller.js';
import { OperationQueries } from '../operations/operation-queries.js';
import { OBJECT_STORE } from '../platform/tokens.js';
import { toExport } from './checkpoint-export.js';
import { ImportCheckpoint } from './import-checkpoint.js';

/** Checkpoints on their way out of a deployment and into one. Of their bytes, one part at a time is in memory. */
@Controller()
export class CheckpointExchangeController {
  constructor(
    @Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore,
    @Inject(PrismaCheckpointRepository) private readonly checkpoints: PrismaCheckpointRepository,
    @Inject(CheckpointStore) private readonly store: CheckpointStore,
    @Inject(OBJECT_STORE) private readonly objects: ObjectStore,
    @Inject(ImportCheckpoint) private readonly importCheckpoint: ImportCheckpoint,
    @Inject(OperationQueries) private readonly queries: OperationQueries,
  ) {}

  /** Everything about a checkpoint but its bytes. */
  @Get('checkpoints/:id/export')
  async export(@Param('id') id: string): Promise<CheckpointExport> {
    const checkpoint = await this.checkpoints.get(id);
    const operation = await this.operations.get(checkpoint.operationId);
    return toExport(operation, checkpoint, await this.store.manifest(checkpoint), new Date());
  }

  /** One file, each part checked before it is sent: what is damaged breaks the answer off. */
  @Get('checkpoints/:id/files/:name')
  async file(@Param('id') id: string, @Param('name') name: string): Promise<StreamableFile> {
    const { files } = await this.checkpoints.get(id);
    const file = files.find((candidate) => candidate.name === name);
    if (!file) throw new ObjectNotFoundError(name, `checkpoint ${id}`);
    return new StreamableFile(Readable.from(contentOf(this.objects, file), { objectMode: false, highWaterMark: 1 }), {
      type: 'application/octet-stream',
      disposition: `attachment; filename="${file.name}"`,
      length: file.bytes,
    });
  }

  /** Takes one blob of a checkpoint that is going to be imported; what is never named is swept away after a day. */
  @Put('checkpoints/blobs/:sha256')
  @HttpCode(204)
  async putBlob(@Param('sha256') sha256: string, @Body() body: unknown): Promise<void> {
    const key = blobKey(sha256);
    const bytes = await readBody(body, MAX_BLOB_BYTES);
    const actual = sha256Of(bytes);
    if (actual !== sha256) {
      const message = `has SHA-256 ${actual}, not ${sha256}: it was altered, or broke on the way`;
      throw new RequestInvalidError('body', [{ path: '', message }]);
    }
    await this.objects.put(key, bytes);
  }

  /** A new operation, paused at an exported checkpoint whose blobs are here. */
  @Post('operations/import')
  @HttpCode(201)
  async import(
    @Req() request: AuthenticatedRequest,
    @Body(zod(ImportBody)) body: z.output<typeof ImportBody>,
  ): Promise<OperationView> {
    const operation = await this.importCheckpoint.execute({
      document: body.export,
      name: body.name,
      pool: body.pool,
      createdBy: actorOf(request),
      submissionKey: submissionKeyOf(request),
      now: new Date(),
    });
    return this.queries.view(operation);
  }
}

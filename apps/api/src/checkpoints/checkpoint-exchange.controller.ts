import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { Controller, Inject, StreamableFile } from '@nestjs/common';
import {
  blobKey,
  CheckpointStore,
  contentOf,
  ImportCheckpoint,
  ObjectNotFoundError,
  type ObjectStore,
  sha256Of,
  toExport,
} from '@ktrdr/checkpoint';
import { type CheckpointExport, type OperationView, ROUTES } from '@ktrdr/contracts';
import { MAX_BLOB_BYTES, RequestInvalidError } from '@ktrdr/operations';
import { PrismaCheckpointRepository, PrismaOperationStore } from '@ktrdr/operations-prisma';
import { readBody } from '../http/octet-stream.js';
import { type Asked, Serves } from '../http/serves.js';
import { OperationPresenter } from '../operations/operation.presenter.js';
import { OBJECT_STORE } from '../platform/tokens.js';

const routes = ROUTES.checkpoints;
const { importCheckpoint } = ROUTES.operations;

/** Checkpoints on their way out of a deployment and into one. Of their bytes, one part at a time is in memory. */
@Controller()
export class CheckpointExchangeController {
  constructor(
    @Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore,
    @Inject(PrismaCheckpointRepository) private readonly checkpoints: PrismaCheckpointRepository,
    @Inject(CheckpointStore) private readonly store: CheckpointStore,
    @Inject(OBJECT_STORE) private readonly objects: ObjectStore,
    @Inject(ImportCheckpoint) private readonly importCheckpoint: ImportCheckpoint,
    @Inject(OperationPresenter) private readonly presenter: OperationPresenter,
  ) {}

  @Serves(routes.exportOne)
  async export({ id }: Asked<typeof routes.exportOne>): Promise<CheckpointExport> {
    const checkpoint = await this.checkpoints.get(id);
    const operation = await this.operations.get(checkpoint.operationId);
    return toExport(operation, checkpoint, await this.store.manifest(checkpoint), new Date());
  }

  /** One file, each part checked before it is sent: what is damaged breaks the answer off. */
  @Serves(routes.file)
  async file({ id, name }: Asked<typeof routes.file>): Promise<StreamableFile> {
    const { files } = await this.checkpoints.get(id);
    const file = files.find((candidate) => candidate.name === name);
    if (!file) throw new ObjectNotFoundError(name, `checkpoint ${id}`);
    return new StreamableFile(Readable.from(contentOf(this.objects, file), { objectMode: false, highWaterMark: 1 }), {
      disposition: `attachment; filename="${file.name}"`,
      length: file.bytes,
    });
  }

  /** Takes one blob of a checkpoint that is going to be imported; what is never named is swept away after a day. */
  @Serves(routes.putBlob)
  async putBlob({ sha256, body }: Asked<typeof routes.putBlob>): Promise<void> {
    const key = blobKey(sha256);
    const bytes = await readBody(body, MAX_BLOB_BYTES);
    const actual = sha256Of(bytes);
    if (actual !== sha256) {
      const message = `has SHA-256 ${actual}, not ${sha256}: it was altered, or broke on the way`;
      throw new RequestInvalidError('body', [{ path: '', message }]);
    }
    await this.objects.put(key, bytes);
  }

  @Serves(importCheckpoint)
  async import({ body, actor, submissionKey }: Asked<typeof importCheckpoint>): Promise<OperationView> {
    const operation = await this.importCheckpoint.execute({
      document: body.export,
      name: body.name,
      pool: body.pool,
      createdBy: actor,
      submissionKey,
      now: new Date(),
      entropy: randomBytes,
    });
    return this.presenter.one(operation);
  }
}

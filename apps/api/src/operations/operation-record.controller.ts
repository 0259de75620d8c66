import { Readable } from 'node:stream';
import { Controller, Get, Inject, Param, Query, StreamableFile } from '@nestjs/common';
import type {
  EventPage,
  ExplainView,
  HistoryPage,
  MetricsPage,
  OperationEventsQuery as OperationEventsQueryType,
  ResultView,
} from '@ktrdr/contracts';
import { OperationEventsQuery } from '@ktrdr/contracts';
import { contentOf, ObjectNotFoundError, type ObjectStore } from '@ktrdr/checkpoint';
import { OperationRecords, PrismaForkStore, PrismaOperationStore } from '@ktrdr/operations-prisma';
import { zod } from '../http/zod.pipe.js';
import { OBJECT_STORE } from '../platform/tokens.js';
import { operationId } from './operations.controller.js';
import { OperationQueries } from './operation-queries.js';
import { toEventView } from './event.presenter.js';
import { toHistory } from './history.presenter.js';

/** What happened to an operation, and what came of it. */
@Controller('operations/:id')
export class OperationRecordController {
  constructor(
    @Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore,
    @Inject(OperationRecords) private readonly records: OperationRecords,
    @Inject(PrismaForkStore) private readonly forks: PrismaForkStore,
    @Inject(OperationQueries) private readonly queries: OperationQueries,
    @Inject(OBJECT_STORE) private readonly objects: ObjectStore,
  ) {}

  @Get('history')
  async history(@Param('id', operationId) id: string): Promise<HistoryPage> {
    await this.operations.get(id);
    const [entries, forks] = await Promise.all([this.records.history(id), this.forks.forkEntries(id)]);
    return { items: toHistory(entries, forks) };
  }

  @Get('events')
  async events(
    @Param('id', operationId) id: string,
    @Query(zod(OperationEventsQuery, 'query')) { after, limit }: OperationEventsQueryType,
  ): Promise<EventPage> {
    await this.operations.get(id);
    const items = (await this.records.events(id, after, limit)).map(toEventView);
    return { items, next_after: items.at(-1)?.seq ?? after };
  }

  @Get('metrics')
  async metrics(@Param('id', operationId) id: string): Promise<MetricsPage> {
    await this.operations.get(id);
    const [points, attempts] = await Promise.all([this.records.metricPoints(id), this.operations.attempts(id)]);
    return {
      items: points.map(({ at, values, ...point }) => ({ ...point, at: at.toISOString(), values: { ...values } })),
      resumed_at_steps: attempts.flatMap(({ attempt, startStep }) =>
        (attempt > 1 || (startStep ?? 0) > 0) && startStep !== null ? startStep : [],
      ),
    };
  }

  @Get('explain')
  explain(@Param('id', operationId) id: string): Promise<ExplainView> {
    return this.queries.explain(id);
  }

  @Get('result')
  result(@Param('id', operationId) id: string): Promise<ResultView> {
    return this.queries.result(id);
  }

  /** One file of the result, byte for byte; its SHA-256 is in the result. */
  @Get('result/files/:name')
  async file(@Param('id', operationId) id: string, @Param('name') name: string): Promise<StreamableFile> {
    const { files } = await this.queries.result(id);
    const file = files.find((candidate) => candidate.name === name);
    if (!file) throw new ObjectNotFoundError(name, 'the result');
    return new StreamableFile(Readable.from(contentOf(this.objects, file), { objectMode: false, highWaterMark: 1 }), {
      type: 'application/octet-stream',
      disposition: `attachment; filename="${file.name}"`,
      length: file.bytes,
    });
  }
}

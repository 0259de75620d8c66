import { Readable } from 'node:stream';
import { Controller, Inject, StreamableFile } from '@nestjs/common';
import {
  type EventPage,
  type ExplainView,
  type HistoryPage,
  type MetricsPage,
  type ResultView,
  ROUTES,
} from '@ktrdr/contracts';
import { contentOf, ObjectNotFoundError, type ObjectStore } from '@ktrdr/checkpoint';
import { ExplainOperation } from '@ktrdr/operations';
import { OperationRecords, PrismaForkStore, PrismaOperationStore } from '@ktrdr/operations-prisma';
import type { ApiConfig } from '../config.js';
import { type Asked, Serves } from '../http/serves.js';
import { CONFIG, OBJECT_STORE } from '../platform/tokens.js';
import { allowedActionsOf } from './operation.presenter.js';
import { toEventView, toHistory, toResultView } from './record.presenter.js';

const routes = ROUTES.operations;

/** What happened to an operation, and what came of it. */
@Controller()
export class OperationRecordController {
  constructor(
    @Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore,
    @Inject(OperationRecords) private readonly records: OperationRecords,
    @Inject(PrismaForkStore) private readonly forks: PrismaForkStore,
    @Inject(ExplainOperation) private readonly explainOperation: ExplainOperation,
    @Inject(OBJECT_STORE) private readonly objects: ObjectStore,
    @Inject(CONFIG) private readonly config: ApiConfig,
  ) {}

  @Serves(routes.history)
  async history({ id }: Asked<typeof routes.history>): Promise<HistoryPage> {
    await this.operations.get(id);
    const [entries, forks] = await Promise.all([this.records.history(id), this.forks.forkEntries(id)]);
    return { items: toHistory(entries, forks) };
  }

  @Serves(routes.events)
  async events({ id, query: { after, limit } }: Asked<typeof routes.events>): Promise<EventPage> {
    await this.operations.get(id);
    const items = (await this.records.events(id, after, limit)).map(toEventView);
    return { items, next_after: items.at(-1)?.seq ?? after };
  }

  @Serves(routes.metrics)
  async metrics({ id }: Asked<typeof routes.metrics>): Promise<MetricsPage> {
    await this.operations.get(id);
    const [points, attempts] = await Promise.all([this.records.metricPoints(id), this.operations.attempts(id)]);
    return {
      items: points.map(({ at, values, ...point }) => ({ ...point, at: at.toISOString(), values: { ...values } })),
      resumed_at_steps: attempts.flatMap(({ attempt, startStep }) =>
        (attempt > 1 || (startStep ?? 0) > 0) && startStep !== null ? startStep : [],
      ),
    };
  }

  @Serves(routes.explain)
  async explain({ id }: Asked<typeof routes.explain>): Promise<ExplainView> {
    const moment = { now: new Date(), leaseMs: this.config.leaseMs };
    const { operation, summary, reasons, next, suggestions } = await this.explainOperation.execute(id, moment);
    return {
      operation_id: id,
      status: operation.status,
      summary,
      reasons: [...reasons],
      next,
      suggestions: [...suggestions],
      allowed_actions: allowedActionsOf(operation),
    };
  }

  @Serves(routes.result)
  async result({ id }: Pick<Asked<typeof routes.result>, 'id'>): Promise<ResultView> {
    const { operation, checkpoints } = await this.operations.getWithCheckpoints(id);
    return toResultView(operation, checkpoints);
  }

  /** One file of the result, byte for byte; its SHA-256 is in the result. */
  @Serves(routes.resultFile)
  async file({ id, name }: Asked<typeof routes.resultFile>): Promise<StreamableFile> {
    const { files } = await this.result({ id });
    const file = files.find((candidate) => candidate.name === name);
    if (!file) throw new ObjectNotFoundError(name, 'the result');
    return new StreamableFile(Readable.from(contentOf(this.objects, file), { objectMode: false, highWaterMark: 1 }), {
      disposition: `attachment; filename="${file.name}"`,
      length: file.bytes,
    });
  }
}

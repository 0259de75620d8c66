import { Controller, Inject, Res } from '@nestjs/common';
import { ROUTES } from '@ktrdr/contracts';
import { EventLog, OperationRecords, PrismaOperationStore } from '@ktrdr/operations-prisma';
import type { FastifyReply } from 'fastify';
import { PinoLogger } from 'nestjs-pino';
import { CursorInvalidError } from '../http/errors.js';
import { type Asked, Serves } from '../http/serves.js';
import { OperationPresenter } from '../operations/operation.presenter.js';
import { EventHub } from './event-hub.js';
import { EventStream, parsePosition } from './event-stream.js';
import { OpenStreams } from './open-streams.js';

const route = ROUTES.events.stream;

@Controller()
export class EventStreamController {
  constructor(
    @Inject(EventHub) private readonly hub: EventHub,
    @Inject(EventLog) private readonly log: EventLog,
    @Inject(OperationRecords) private readonly records: OperationRecords,
    @Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore,
    @Inject(OperationPresenter) private readonly presenter: OperationPresenter,
    @Inject(OpenStreams) private readonly open: OpenStreams,
    @Inject(PinoLogger) private readonly logger: PinoLogger,
  ) {}

  /** A snapshot, then what changes. `Last-Event-ID` continues without a gap. */
  @Serves(route)
  async stream({ query, headers }: Asked<typeof route>, @Res() reply: FastifyReply): Promise<void> {
    const { operation_id: id } = query;
    const lastEventId = headers['last-event-id']?.toString();
    const parts = { hub: this.hub, log: this.log, records: this.records };
    if (id !== undefined) {
      const operation = await this.operations.get(id);
      const after = lastEventId === undefined ? operation.eventSeq : parseSeq(lastEventId, operation.eventSeq);
      const snapshot = { operation: await this.presenter.one(operation) };
      await this.serve(reply, (stream) => stream.followOperation(parts, id, after, snapshot));
      return;
    }
    const from = lastEventId === undefined ? await this.log.end() : parsePosition(lastEventId);
    if (!from) throw new CursorInvalidError();
    await this.serve(reply, (stream) => stream.followAll(parts, from));
  }

  private async serve(reply: FastifyReply, follow: (stream: EventStream) => Promise<void>): Promise<void> {
    reply.hijack();
    reply.raw.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      Connection: 'keep-alive',
      'X-Accel-Buffering': 'no',
    });
    reply.raw.flushHeaders();
    const stream = new EventStream(reply.raw);
    const release = this.open.add(stream);
    try {
      await follow(stream);
    } catch (error) {
      this.logger.warn({ err: error }, 'event stream ended early');
      stream.end();
    } finally {
      release();
    }
  }
}

function parseSeq(lastEventId: string, newest: number): number {
  const seq = Number(lastEventId);
  if (!Number.isSafeInteger(seq) || seq < 0 || seq > newest) throw new CursorInvalidError();
  return seq;
}

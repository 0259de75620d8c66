import type { ApiClient } from '@ktrdr/api-client';
import type { EventPage, EventView } from '@ktrdr/contracts';
import { Args, Flags } from '@oclif/core';
import { ApiCommand } from '../api-command.js';
import { onInterrupt } from '../../errors/interrupt.js';
import { renderLogEvent } from '../../render/history-table.js';
import { followLog, readLog } from '../../watch/operation-log.js';

export default class OperationsLogs extends ApiCommand {
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'show what the trainer wrote; with --json all events';
  static override examples = [
    '<%= config.bin %> operations logs OPERATION',
    '<%= config.bin %> operations logs OPERATION --follow',
    '<%= config.bin %> operations logs OPERATION --json',
  ];
  static override flags = {
    follow: Flags.boolean({
      char: 'f',
      description: 'stay for what comes, until the operation ends; with --json one event a line',
    }),
    after: Flags.integer({ description: 'only events after this sequence number', default: 0, min: 0 }),
  };

  async run(): Promise<EventPage | null> {
    const { args, flags } = await this.parse(OperationsLogs);
    const api = await this.connect(flags);
    if (flags.follow) return this.follow(api, args.operation, flags.after);
    const items: EventView[] = [];
    let after = flags.after;
    for await (const event of readLog(api, args.operation, flags.after)) {
      after = event.seq;
      if (this.jsonEnabled()) items.push(event);
      else this.print(event);
    }
    return { items, next_after: after };
  }

  private async follow(api: ApiClient, operationId: string, after: number): Promise<null> {
    using interrupt = onInterrupt();
    const { signal } = interrupt;
    for await (const event of followLog({ api, operationId, after, signal })) {
      if (this.jsonEnabled()) process.stdout.write(`${JSON.stringify(event)}\n`);
      else this.print(event);
    }
    return null;
  }

  private print(event: EventView): void {
    const lines = renderLogEvent(event);
    if (lines.length > 0) this.show(lines);
  }
}

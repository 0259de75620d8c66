import type { OperationView } from '@ktrdr/contracts';
import { Args } from '@oclif/core';
import { watchFlag } from '../../flags/flag-values.js';
import { renderStarted } from '../../render/operation-actions.js';
import { WatchCommand } from '../watch-command.js';

export default class OperationsRetry extends WatchCommand {
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'start a new operation with the same specification, from the beginning';
  static override examples = ['<%= config.bin %> operations retry OPERATION --watch'];
  static override flags = { watch: watchFlag };

  async run(): Promise<OperationView | null> {
    const { args, flags } = await this.parse(OperationsRetry);
    const api = await this.connect(flags);
    const operation = await api.retry(args.operation);
    this.show(renderStarted(operation));
    return flags.watch ? this.watch(api, operation.operation_id) : operation;
  }
}

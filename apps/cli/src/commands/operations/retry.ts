import type { OperationView } from '@ktrdr/contracts';
import { Args, Flags } from '@oclif/core';
import { renderStarted } from '../../render/operation-actions.js';
import { WatchCommand } from '../watch-command.js';

export default class OperationsRetry extends WatchCommand {
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'start a new operation with the same specification, from the beginning';
  static override examples = ['<%= config.bin %> operations retry OPERATION --watch'];
  static override flags = {
    watch: Flags.boolean({ char: 'w', description: 'stay and show how it goes; Ctrl+C detaches' }),
  };

  async run(): Promise<OperationView | null> {
    const { args, flags } = await this.parse(OperationsRetry);
    const api = await this.connect(flags);
    const operation = await api.retry(args.operation);
    this.show(renderStarted(operation));
    return flags.watch ? this.watch(api, operation.operation_id) : operation;
  }
}

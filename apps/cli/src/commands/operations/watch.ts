import type { OperationView } from '@ktrdr/contracts';
import { Args } from '@oclif/core';
import { WatchCommand } from '../watch-command.js';

export default class OperationsWatch extends WatchCommand {
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'show how an operation goes until it ends or pauses; Ctrl+C detaches';
  static override examples = ['<%= config.bin %> operations watch OPERATION'];

  async run(): Promise<OperationView | null> {
    const { args, flags } = await this.parse(OperationsWatch);
    const api = await this.connect(flags);
    return this.watch(api, args.operation);
  }
}

import type { OperationView } from '@ktrdr/contracts';
import { Args, Flags } from '@oclif/core';
import { ApiCommand } from '../api-command.js';
import { renderPrioritised } from '../../render/operation-actions.js';

export default class OperationsPrioritise extends ApiCommand {
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'move an operation that waits for a worker in its queue';
  static override examples = [
    '<%= config.bin %> operations prioritise OPERATION --front',
    '<%= config.bin %> operations prioritise OPERATION --priority 10',
  ];
  static override flags = {
    front: Flags.boolean({ description: 'before all others', exactlyOne: ['front', 'priority'] }),
    priority: Flags.integer({ description: 'greater goes first', exactlyOne: ['front', 'priority'] }),
  };

  async run(): Promise<OperationView> {
    const { args, flags } = await this.parse(OperationsPrioritise);
    const api = await this.connect(flags);
    const operation = await api.prioritise(args.operation, { priority: flags.priority ?? 'front' });
    this.show(renderPrioritised(operation));
    return operation;
  }
}

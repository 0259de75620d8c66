import type { OperationView } from '@ktrdr/contracts';
import { Args } from '@oclif/core';
import { ApiCommand } from '../api-command.js';
import { renderOperation } from '../../render/operation-detail.js';

export default class OperationsShow extends ApiCommand {
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'show everything about one operation';
  static override examples = [
    '<%= config.bin %> operations show OPERATION',
    '<%= config.bin %> operations show OPERATION --json',
  ];

  async run(): Promise<OperationView> {
    const { args, flags } = await this.parse(OperationsShow);
    const api = await this.connect(flags);
    const operation = await api.get(args.operation);
    this.show(renderOperation(operation, new Date()));
    return operation;
  }
}

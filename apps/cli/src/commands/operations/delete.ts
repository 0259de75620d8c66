import { Args, Flags } from '@oclif/core';
import { ApiCommand } from '../api-command.js';
import { confirm } from '../../render/terminal/prompts.js';

export default class OperationsDelete extends ApiCommand {
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'delete a stopped operation with all its checkpoints';
  static override examples = ['<%= config.bin %> operations delete OPERATION --yes'];
  static override flags = { yes: Flags.boolean({ char: 'y', description: 'do not ask' }) };

  async run(): Promise<{ operation_id: string; deleted: boolean }> {
    const { args, flags } = await this.parse(OperationsDelete);
    const api = await this.connect(flags);
    const isSure = flags.yes || (await confirm(`Delete ${args.operation} and all its checkpoints?`));
    if (isSure) await api.remove(args.operation);
    this.log(isSure ? `Deleted ${args.operation} and its checkpoints.` : 'Nothing was deleted.');
    return { operation_id: args.operation, deleted: isSure };
  }
}

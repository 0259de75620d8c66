import type { CheckpointPage } from '@ktrdr/contracts';
import { Args } from '@oclif/core';
import { ApiCommand } from '../api-command.js';
import { renderCheckpoints } from '../../render/checkpoint.js';

export default class Checkpoints extends ApiCommand {
  static override aliases = ['checkpoints:list'];
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'list the checkpoints of an operation';
  static override examples = ['<%= config.bin %> checkpoints OPERATION'];

  async run(): Promise<CheckpointPage> {
    const { args, flags } = await this.parse(Checkpoints);
    const api = await this.connect(flags);
    const page = await api.checkpoints(args.operation);
    this.show(renderCheckpoints(args.operation, page, new Date()));
    return page;
  }
}

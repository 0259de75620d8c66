import { Args, Flags } from '@oclif/core';
import { ApiCommand } from '../api-command.js';
import { confirm } from '../../render/terminal/prompts.js';

export default class CheckpointsDelete extends ApiCommand {
  static override args = { checkpoint: Args.string({ description: 'checkpoint id', required: true }) };
  static override summary = 'delete a checkpoint; refused where an operation needs it';
  static override examples = ['<%= config.bin %> checkpoints delete CHECKPOINT --yes'];
  static override flags = {
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
    force: Flags.boolean({ description: 'even the last one that its operation can be resumed from' }),
  };

  async run(): Promise<{ checkpoint_id: string; deleted: boolean }> {
    const { args, flags } = await this.parse(CheckpointsDelete);
    const api = await this.connect(flags);
    const isSure = flags.yes || (await confirm(`Delete checkpoint ${args.checkpoint}?`));
    if (isSure) await api.removeCheckpoint(args.checkpoint, flags.force ? { force: 'true' } : {});
    this.log(isSure ? `Deleted checkpoint ${args.checkpoint}.` : 'Nothing was deleted.');
    return { checkpoint_id: args.checkpoint, deleted: isSure };
  }
}

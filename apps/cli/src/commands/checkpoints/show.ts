import type { CheckpointView } from '@ktrdr/contracts';
import { Args } from '@oclif/core';
import { ApiCommand } from '../api-command.js';
import { renderCheckpoint } from '../../render/checkpoint.js';

export default class CheckpointsShow extends ApiCommand {
  static override args = { checkpoint: Args.string({ description: 'checkpoint id', required: true }) };
  static override summary = 'show one checkpoint with its files';
  static override examples = ['<%= config.bin %> checkpoints show CHECKPOINT'];

  async run(): Promise<CheckpointView> {
    const { args, flags } = await this.parse(CheckpointsShow);
    const api = await this.connect(flags);
    const checkpoint = await api.checkpoint(args.checkpoint);
    this.show(renderCheckpoint(checkpoint, new Date()));
    return checkpoint;
  }
}

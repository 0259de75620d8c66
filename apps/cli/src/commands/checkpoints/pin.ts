import type { CheckpointView } from '@ktrdr/contracts';
import { Args } from '@oclif/core';
import { ApiCommand } from '../api-command.js';
import { renderPinned } from '../../render/checkpoint.js';

export default class CheckpointsPin extends ApiCommand {
  static override args = { checkpoint: Args.string({ description: 'checkpoint id', required: true }) };
  static override summary = 'keep a checkpoint: retention does not remove it';
  static override examples = ['<%= config.bin %> checkpoints pin CHECKPOINT'];

  async run(): Promise<CheckpointView> {
    const { args, flags } = await this.parse(CheckpointsPin);
    const api = await this.connect(flags);
    const checkpoint = await api.pinCheckpoint(args.checkpoint);
    this.show(renderPinned(checkpoint));
    return checkpoint;
  }
}

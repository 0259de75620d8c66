import type { CheckpointView } from '@ktrdr/contracts';
import { Args } from '@oclif/core';
import { ApiCommand } from '../api-command.js';
import { renderPinned } from '../../render/checkpoint.js';

export default class CheckpointsUnpin extends ApiCommand {
  static override args = { checkpoint: Args.string({ description: 'checkpoint id', required: true }) };
  static override summary = 'leave a checkpoint to retention again';
  static override examples = ['<%= config.bin %> checkpoints unpin CHECKPOINT'];

  async run(): Promise<CheckpointView> {
    const { args, flags } = await this.parse(CheckpointsUnpin);
    const api = await this.connect(flags);
    const checkpoint = await api.unpinCheckpoint(args.checkpoint);
    this.show(renderPinned(checkpoint));
    return checkpoint;
  }
}

import type { CheckpointStats } from '@ktrdr/contracts';
import { ApiCommand } from '../api-command.js';
import { renderStats } from '../../render/checkpoint.js';

export default class CheckpointsStats extends ApiCommand {
  static override summary = 'how many checkpoints there are and what they take';
  static override examples = ['<%= config.bin %> checkpoints stats'];

  async run(): Promise<CheckpointStats> {
    const { flags } = await this.parse(CheckpointsStats);
    const api = await this.connect(flags);
    const stats = await api.checkpointStats();
    this.show(renderStats(stats, new Date()));
    return stats;
  }
}

import type { WorkerPage } from '@ktrdr/contracts';
import { ApiCommand } from '../api-command.js';
import { renderWorkers } from '../../render/workers.js';

export default class Workers extends ApiCommand {
  static override aliases = ['workers:list'];
  static override summary = 'list the workers and what they hold';
  static override examples = ['<%= config.bin %> workers'];

  async run(): Promise<WorkerPage> {
    const { flags } = await this.parse(Workers);
    const api = await this.connect(flags);
    const page = await api.workers();
    this.show(renderWorkers(page, new Date()));
    return page;
  }
}

import type { WorkerPage } from '@ktrdr/contracts';
import { ApiCommand } from '../api-command.js';
import { renderWorkers } from '../../render/worker-table.js';

export default class Workers extends ApiCommand {
  static override aliases = ['workers:list'];
  static override summary = 'list the workers and what they hold';
  static override examples = ['<%= config.bin %> workers'];

  async run(): Promise<WorkerPage> {
    const { flags } = await this.parse(Workers);
    const api = await this.connect(flags);
    const page = await api.workers();
    this.log(renderWorkers(page, { paint: this.paint, now: new Date() }));
    return page;
  }
}

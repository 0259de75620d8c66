import type { HistoryPage } from '@ktrdr/contracts';
import { Args } from '@oclif/core';
import { ApiCommand } from '../api-command.js';
import { renderHistory } from '../../render/history-table.js';

export default class OperationsHistory extends ApiCommand {
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'list every change of status: when, by whom, and why';
  static override examples = ['<%= config.bin %> operations history OPERATION'];

  async run(): Promise<HistoryPage> {
    const { args, flags } = await this.parse(OperationsHistory);
    const api = await this.connect(flags);
    const page = await api.history(args.operation);
    this.show(renderHistory(page));
    return page;
  }
}

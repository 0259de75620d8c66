import type { ExplainView } from '@ktrdr/contracts';
import { Args } from '@oclif/core';
import { ApiCommand } from '../api-command.js';
import { renderExplanation } from '../../render/history-table.js';

export default class OperationsExplain extends ApiCommand {
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'say why an operation is where it is, and what comes next';
  static override examples = ['<%= config.bin %> operations explain OPERATION'];

  async run(): Promise<ExplainView> {
    const { args, flags } = await this.parse(OperationsExplain);
    const api = await this.connect(flags);
    const view = await api.explain(args.operation);
    this.show(renderExplanation(view));
    return view;
  }
}

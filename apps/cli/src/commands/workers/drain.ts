import type { WorkerView } from '@ktrdr/contracts';
import { Args, Flags } from '@oclif/core';
import { ApiCommand } from '../api-command.js';
import { renderDrained } from '../../render/workers.js';

export default class WorkersDrain extends ApiCommand {
  static override args = { worker: Args.string({ description: 'worker id', required: true }) };
  static override summary = 'have a worker hand over what it runs, each from a fresh checkpoint, and take nothing new';
  static override examples = ['<%= config.bin %> workers drain WORKER', '<%= config.bin %> workers drain WORKER --end'];
  static override flags = { end: Flags.boolean({ description: 'let it take work again' }) };

  async run(): Promise<WorkerView> {
    const { args, flags } = await this.parse(WorkersDrain);
    const api = await this.connect(flags);
    const worker = await api.drainWorker(args.worker, { draining: !flags.end });
    this.show(renderDrained(worker, { isEnd: flags.end }));
    return worker;
  }
}

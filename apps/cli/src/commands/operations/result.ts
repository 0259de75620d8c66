import type { ResultView } from '@ktrdr/contracts';
import { Args, Flags } from '@oclif/core';
import { ProgressCommand } from '../progress-command.js';
import { onAnyEnd } from '../../errors/interrupt.js';
import { renderResult } from '../../render/result.js';
import { downloadResult, type SavedResultFile } from '../../transfer/download-result.js';

export default class OperationsResult extends ProgressCommand {
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'show what came of a completed operation, and download its files';
  static override examples = [
    '<%= config.bin %> operations result OPERATION',
    '<%= config.bin %> operations result OPERATION --output model',
  ];
  static override flags = {
    output: Flags.string({
      char: 'o',
      description: 'download the files into this folder, each checked against its SHA-256',
      helpValue: 'DIR',
    }),
    force: Flags.boolean({ description: 'overwrite files that are there', dependsOn: ['output'] }),
  };

  async run(): Promise<ResultView & { readonly saved?: readonly SavedResultFile[] }> {
    const { args, flags } = await this.parse(OperationsResult);
    const api = await this.connect(flags);
    const result = await api.result(args.operation);
    using interrupt = onAnyEnd();
    const { signal } = interrupt;
    const directory = flags.output;
    const { begin } = this;
    const saved =
      directory === undefined
        ? null
        : await downloadResult({ api, result, directory, isForced: flags.force, begin, signal });
    this.show(renderResult(result, saved, new Date()));
    return saved ? { ...result, saved } : result;
  }
}

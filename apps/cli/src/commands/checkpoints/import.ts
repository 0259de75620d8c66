import type { OperationView } from '@ktrdr/contracts';
import { Args, Flags } from '@oclif/core';
import { checkExport, sendParts } from '../../transfer/exported-checkpoint.js';
import { renderImported } from '../../render/checkpoint.js';
import { timeoutFlag } from '../../connection/timeouts.js';
import { given } from '../../flags/flag-values.js';
import { ProgressCommand } from '../progress-command.js';

export default class CheckpointsImport extends ProgressCommand {
  static override args = {
    directory: Args.string({ description: 'folder of an exported checkpoint', required: true }),
  };
  static override summary = 'make a new, paused operation of an exported checkpoint';
  static override description =
    'Every byte is checked before anything is sent, and again where it arrives. Nothing that is there is touched: the operation has an id of its own.';
  static override examples = ['<%= config.bin %> checkpoints import my-model --name "my model, continued"'];
  static override flags = {
    name: Flags.string({ description: 'what to call the operation, instead of what it was called' }),
    pool: Flags.string({ description: 'pool of workers', default: 'default' }),
    timeout: timeoutFlag({
      description: 'seconds to wait for each answer, retries included; each part may take 20 times as long to be sent',
    }),
  };

  async run(): Promise<OperationView> {
    const { args, flags } = await this.parse(CheckpointsImport);
    const api = await this.connect(flags);
    const { document, manifest } = await checkExport(args.directory, this.begin);
    await sendParts(api, { directory: args.directory, manifest, begin: this.begin });
    const operation = await api.importCheckpoint({
      export: document,
      pool: flags.pool,
      ...given({ name: flags.name }),
    });
    this.show(renderImported(operation));
    return operation;
  }
}

import { Args } from '@oclif/core';
import type { SavedFile } from '../../transfer/download-files.js';
import { exportCheckpoint } from '../../transfer/export-checkpoint.js';
import { onAnyEnd } from '../../errors/interrupt.js';
import { renderExported } from '../../render/checkpoint.js';
import { timeoutFlag } from '../../connection/timeouts.js';
import { ProgressCommand } from '../progress-command.js';

export default class CheckpointsExport extends ProgressCommand {
  static override args = {
    checkpoint: Args.string({ description: 'checkpoint id', required: true }),
    directory: Args.string({ description: 'folder to make', required: true }),
  };
  static override summary = 'download a checkpoint into a folder, every byte checked';
  static override description =
    'The tensors are safetensors files, which Python opens too. "ktrdr checkpoints import" makes an operation of the folder, here or elsewhere.';
  static override examples = ['<%= config.bin %> checkpoints export CHECKPOINT my-model'];
  static override flags = {
    timeout: timeoutFlag({ description: 'seconds to wait for each answer, and for the next bytes of a file' }),
  };

  async run(): Promise<{ checkpoint_id: string; directory: string; files: readonly SavedFile[] }> {
    const { args, flags } = await this.parse(CheckpointsExport);
    const { checkpoint: checkpointId, directory } = args;
    const api = await this.connect(flags);
    using interrupt = onAnyEnd();
    const files = await exportCheckpoint({ api, checkpointId, directory, begin: this.begin, signal: interrupt.signal });
    this.show(renderExported(checkpointId, directory, files));
    return { checkpoint_id: checkpointId, directory, files };
  }
}

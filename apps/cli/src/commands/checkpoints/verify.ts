import type { ApiClient } from '@ktrdr/api-client';
import type { VerifyView } from '@ktrdr/contracts';
import { Args, Flags } from '@oclif/core';
import { ApiCommand } from '../../base-command.js';
import { UsageError } from '../../errors.js';
import { EXIT } from '../../exit-codes.js';
import { timeoutFlag, VERIFICATION, VERIFY_SECONDS } from '../../patience.js';
import { renderVerified } from '../../render/checkpoint.js';

export default class CheckpointsVerify extends ApiCommand {
  static override args = { checkpoint: Args.string({ description: 'checkpoint id' }) };
  static override summary = 'hash every byte of a checkpoint again; exit code 6 when one is corrupted';
  static override examples = [
    '<%= config.bin %> checkpoints verify CHECKPOINT',
    '<%= config.bin %> checkpoints verify --operation OPERATION',
  ];
  static override flags = {
    operation: Flags.string({ description: 'all checkpoints of this operation' }),
    timeout: timeoutFlag({
      seconds: VERIFY_SECONDS,
      description: 'seconds to wait for the API, for each checkpoint and retries included',
    }),
  };

  async run(): Promise<VerifyView | { items: VerifyView[] }> {
    const { args, flags } = await this.parse(CheckpointsVerify);
    if ((args.checkpoint === undefined) === (flags.operation === undefined)) {
      throw new UsageError('Say what to verify: either a checkpoint id or --operation OPERATION');
    }
    const api = await this.connect(flags, VERIFICATION);
    if (args.checkpoint !== undefined) return this.verify(api, args.checkpoint);
    const items: VerifyView[] = [];
    for (const { checkpoint_id: id } of (await api.checkpoints(flags.operation ?? '')).items) {
      items.push(await this.verify(api, id));
    }
    if (items.length === 0) this.log(`Operation ${flags.operation} has no checkpoints.`);
    return { items };
  }

  private async verify(api: ApiClient, checkpointId: string): Promise<VerifyView> {
    const verified = await api.verifyCheckpoint(checkpointId);
    this.log(renderVerified(verified, this.paint));
    if (!verified.valid) process.exitCode = EXIT.corruptedCheckpoint;
    return verified;
  }
}

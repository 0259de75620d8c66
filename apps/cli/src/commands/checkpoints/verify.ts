import type { ApiClient } from '@ktrdr/api-client';
import type { VerifyView } from '@ktrdr/contracts';
import { Args, Flags } from '@oclif/core';
import { listAll, listOf, newVerification, verifyEach } from './verify-each.js';
import { onAnyEnd } from '../../errors/interrupt.js';
import { UsageError } from '../../errors/errors.js';
import { EXIT } from '../../errors/exit-codes.js';
import { timeoutFlag, VERIFICATION, VERIFY_SECONDS } from '../../connection/timeouts.js';
import { ProgressCommand } from '../progress-command.js';
import { renderVerified } from '../../render/checkpoint.js';
import {
  type Unsound,
  type Verification,
  renderUnsound,
  renderVerification,
  verificationSoFar,
} from '../../render/verification.js';

type Verified = Verification & { readonly seconds: number };

export default class CheckpointsVerify extends ProgressCommand {
  static override args = { checkpoint: Args.string({ description: 'checkpoint id' }) };
  static override summary =
    'hash every byte of a checkpoint, of those of an operation or of all again; exit code 6 when one is corrupted';
  static override description =
    'Of many, one line is said for each that is corrupted, and at the end how many were verified. What is deleted meanwhile is passed over and counted.';
  static override examples = [
    '<%= config.bin %> checkpoints verify CHECKPOINT',
    '<%= config.bin %> checkpoints verify --operation OPERATION',
    '<%= config.bin %> checkpoints verify --all',
  ];
  static override flags = {
    operation: Flags.string({ description: 'all checkpoints of this operation' }),
    all: Flags.boolean({ description: 'all checkpoints of all operations' }),
    timeout: timeoutFlag({
      seconds: VERIFY_SECONDS,
      description: 'seconds to wait for the API, for each checkpoint and retries included',
    }),
  };

  async run(): Promise<VerifyView | Verified> {
    const { args, flags } = await this.parse(CheckpointsVerify);
    const { checkpoint } = args;
    const { operation, all } = flags;
    if ([checkpoint !== undefined, operation !== undefined, all].filter(Boolean).length !== 1) {
      throw new UsageError('Say what to verify: a checkpoint id, --operation OPERATION, or --all');
    }
    const api = await this.connect(flags, checkpoint === undefined ? 'shown' : { work: VERIFICATION });
    if (checkpoint !== undefined) return this.verifyOne(api, checkpoint);
    return this.verifyMany(api, operation ?? null);
  }

  private async verifyOne(api: ApiClient, checkpointId: string): Promise<VerifyView> {
    const verified = await api.verifyCheckpoint(checkpointId);
    this.show(renderVerified(verified));
    if (!verified.valid) process.exitCode = EXIT.corruptedCheckpoint;
    return verified;
  }

  private async verifyMany(api: ApiClient, operationId: string | null): Promise<Verified> {
    const verification = newVerification();
    const seconds = () => (performance.now() - this.startedAtMs) / 1000;
    const summary = () => renderVerification(verification, seconds());
    try {
      await this.verifyListed(api, operationId, verification);
    } catch (error) {
      if (verification.items.length > 0) this.logToStderr(`Until it ended: ${summary()}`);
      throw error;
    }
    const { items, unverified, deleted } = verification;
    if (items.some(({ valid }) => !valid) || unverified.length > 0) process.exitCode = EXIT.corruptedCheckpoint;
    if (items.length + unverified.length + deleted > 0) this.log(summary());
    else this.log(operationId === null ? 'There are no checkpoints.' : `Operation ${operationId} has no checkpoints.`);
    return { ...verification, seconds: seconds() };
  }

  private async verifyListed(api: ApiClient, operationId: string | null, verification: Verification): Promise<void> {
    using interrupt = onAnyEnd('What was found so far is recorded');
    const { signal } = interrupt;
    let many: number | null = null;
    using _shown = this.showProgress(() => verificationSoFar(verification, many));
    const listed = operationId === null ? await listAll(api, signal) : await listOf(api, operationId, signal);
    many = listed.length;
    const report = (unsound: Unsound) => this.show(renderUnsound(unsound));
    await verifyEach(listed, verification, { api, signal, report });
  }
}

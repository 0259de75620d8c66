import type { BulkView, OperationView, ResumedView } from '@ktrdr/contracts';
import { Args, Flags } from '@oclif/core';
import { allFlag, BULK_FLAGS, BulkCommand } from '../bulk-command.js';
import {
  CONTINUATION_FLAGS,
  choicesOf,
  OVERRIDE_FLAG_NAMES,
  OVERRIDE_FLAGS,
  toCheckpointChoice,
  toOverrides,
} from '../../flags/continuation-flags.js';
import { timeoutFlag, VERIFICATION, VERIFY_SECONDS } from '../../connection/timeouts.js';
import { renderResumed } from '../../render/continuation.js';

export default class OperationsResume extends BulkCommand {
  static override args = { operation: Args.string({ description: 'operation id' }) };
  static override summary = 'continue a stopped operation from a checkpoint, or with --all every one that matches';
  static override usage = ['operations resume OPERATION [FLAGS]', 'operations resume --all [FILTERS] [FLAGS]'];
  static override examples = [
    '<%= config.bin %> operations resume OPERATION --watch',
    '<%= config.bin %> operations resume OPERATION --checkpoint best --epochs 80 --dry-run',
    '<%= config.bin %> operations resume OPERATION --dry-run --deep',
    '<%= config.bin %> operations resume OPERATION --step 1200',
    '<%= config.bin %> operations resume --all --status paused --label owner=ada',
  ];
  static override flags = {
    ...CONTINUATION_FLAGS,
    deep: Flags.boolean({
      description: 'with --dry-run: hash every byte of the checkpoint, as the worker does when it restores it',
      dependsOn: ['dry-run'],
    }),
    ...OVERRIDE_FLAGS,
    timeout: timeoutFlag({
      description: `seconds to wait for the API, retries included; with --deep ${VERIFY_SECONDS}, unless it is given`,
    }),
    all: allFlag(['watch', 'deep', 'allow-backend-change', ...OVERRIDE_FLAG_NAMES]),
    ...BULK_FLAGS,
  };

  async run(): Promise<ResumedView | OperationView | BulkView | null> {
    const { args, flags, metadata } = await this.parse(OperationsResume);
    const operationId = this.target(args.operation, flags.all);
    const { 'allow-fallback': allow_fallback, 'dry-run': dry_run, deep } = flags;
    const allow_backend_change = flags['allow-backend-change'];
    const choices = (this.choices = choicesOf('resume', flags));
    const checkpoint = toCheckpointChoice(flags);
    const timeout = deep && metadata.flags['timeout']?.setFromDefault ? VERIFY_SECONDS : flags.timeout;
    const api = await this.connect({ ...flags, timeout }, deep ? { work: VERIFICATION } : {});
    if (operationId === null) {
      return this.actOnAll({
        verb: 'resume',
        flags,
        send: (selection) => api.resumeAll({ ...selection, checkpoint, allow_fallback }),
      });
    }
    const overrides = await toOverrides(flags, () => api.get(operationId));
    const resumed = await api.resume(operationId, {
      checkpoint,
      allow_fallback,
      allow_backend_change,
      overrides,
      dry_run,
      ...(deep ? { deep } : {}),
    });
    this.show(renderResumed(resumed, new Date(), { choices: `${choices.checkpoint}${choices.others}`, isDeep: deep }));
    return flags.watch ? this.watch(api, operationId) : resumed;
  }
}

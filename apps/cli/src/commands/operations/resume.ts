import type { BulkView, OperationView, ResumedView } from '@ktrdr/contracts';
import { Args, Flags } from '@oclif/core';
import { allFlag, BULK_FLAGS, BulkCommand } from '../bulk-command.js';
import {
  CONTINUATION_FLAGS,
  type ContinuationArguments,
  continuationArguments,
  OVERRIDE_FLAG_NAMES,
  OVERRIDE_FLAGS,
  toCheckpointChoice,
  toOverrides,
  withChoices,
} from '../../flags/continuation-flags.js';
import { timeoutFlag, VERIFICATION, VERIFY_SECONDS } from '../../connection/timeouts.js';
import { renderResumed } from '../../render/continuation.js';
import { nextCommands, type ProblemDocument } from '../../errors/problem.js';

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

  /** What was asked for beside the operation, to be typed again. */
  private choices: ContinuationArguments = { checkpoint: '', others: '' };

  async run(): Promise<ResumedView | OperationView | BulkView | null> {
    const { args, flags, metadata } = await this.parse(OperationsResume);
    const operationId = this.target(args.operation, flags.all);
    const { 'allow-fallback': allow_fallback, 'dry-run': dry_run, deep } = flags;
    const allow_backend_change = flags['allow-backend-change'];
    this.choices = continuationArguments(flags);
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
    this.log(renderResumed(resumed, { paint: this.paint, now: new Date(), choices: this.typedAgain(), isDeep: deep }));
    return flags.watch ? this.watch(api, operationId) : resumed;
  }

  /** The correction keeps the choices that were made. */
  protected override nextFor(problem: ProblemDocument): readonly string[] {
    return nextCommands(problem).map((command) =>
      withChoices(command, this.choices).replace(/^ktrdr operations fork \S+/, (fork) => `${fork}${this.typedAgain()}`),
    );
  }

  private typedAgain(): string {
    return `${this.choices.checkpoint}${this.choices.others}`;
  }
}

import type { ActionView, OperationView } from '@ktrdr/contracts';
import { isLeased, isSettled } from '@ktrdr/operations';
import { Args, Flags } from '@oclif/core';
import { EXIT } from '../../exit-codes.js';
import { renderAction, renderOutcome } from '../../render/operation-actions.js';
import { WatchCommand } from '../../watch-command.js';

export default class OperationsPause extends WatchCommand {
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'save a checkpoint and stop, to be resumed later';
  static override examples = [
    '<%= config.bin %> operations pause OPERATION',
    '<%= config.bin %> operations pause OPERATION --boundary epoch --reason "machine needed" --wait',
  ];
  static override flags = {
    boundary: Flags.string({ description: 'where to stop', options: ['step', 'epoch'], default: 'step' }),
    reason: Flags.string({ description: 'why, for the history' }),
    wait: Flags.boolean({ description: 'stay until it has paused; Ctrl+C detaches' }),
  };

  async run(): Promise<ActionView | OperationView | null> {
    const { args, flags } = await this.parse(OperationsPause);
    const api = await this.connect(flags);
    const context = { paint: this.paint, now: new Date() };
    const boundary = flags.boundary as 'step' | 'epoch';
    const action = await api.pause(args.operation, { boundary, reason: flags.reason ?? null });
    if (!flags.wait) {
      if (!this.jsonEnabled()) this.log(renderAction(action, await api.get(args.operation), context));
      return action;
    }
    // Back to running without having paused: the pause failed, and the warnings say why.
    const operation = await this.follow(api, args.operation, ({ status, pause }) => {
      return isSettled(status) || (isLeased(status) && pause === null);
    });
    if (operation && isLeased(operation.status) && operation.pause === null) process.exitCode = EXIT.failed;
    if (operation) this.log(renderOutcome(operation, context));
    return operation;
  }
}

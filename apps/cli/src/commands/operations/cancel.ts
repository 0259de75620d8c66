import type { ActionView, OperationView } from '@ktrdr/contracts';
import { isSettled } from '@ktrdr/operations';
import { Args, Flags } from '@oclif/core';
import { renderAction, renderOutcome } from '../../render/operation-actions.js';
import { WatchCommand } from '../../watch-command.js';

export default class OperationsCancel extends WatchCommand {
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'stop an operation; it saves a checkpoint first unless told to discard';
  static override examples = [
    '<%= config.bin %> operations cancel OPERATION',
    '<%= config.bin %> operations cancel OPERATION --reason "wrong data" --discard --wait',
  ];
  static override flags = {
    reason: Flags.string({ description: 'why, for the history' }),
    discard: Flags.boolean({ description: 'give up what was trained since the last checkpoint' }),
    wait: Flags.boolean({ description: 'stay until it has stopped; Ctrl+C detaches' }),
  };

  async run(): Promise<ActionView | OperationView | null> {
    const { args, flags } = await this.parse(OperationsCancel);
    const api = await this.connect(flags);
    const action = await api.cancel(args.operation, { save: !flags.discard, reason: flags.reason ?? null });
    if (!flags.wait) {
      if (!this.jsonEnabled()) this.log(renderAction(action, await api.get(args.operation), this.context()));
      return action;
    }
    const operation = await this.follow(api, args.operation, ({ status }) => isSettled(status));
    if (operation) this.log(renderOutcome(operation, this.context()));
    return operation;
  }

  private context() {
    return { paint: this.paint, now: new Date() };
  }
}

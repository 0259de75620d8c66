import type { ActionView, BulkView, OperationView } from '@ktrdr/contracts';
import { isSettled } from '@ktrdr/operations/model';
import { Args, Flags } from '@oclif/core';
import { allFlag, BULK_FLAGS, BulkCommand } from '../bulk-command.js';
import { renderAction, renderOutcome } from '../../render/operation-actions.js';

export default class OperationsCancel extends BulkCommand {
  static override args = { operation: Args.string({ description: 'operation id' }) };
  static override summary = 'stop an operation, saving a checkpoint first; with --all every one that matches';
  static override usage = ['operations cancel OPERATION [FLAGS]', 'operations cancel --all [FILTERS] [FLAGS]'];
  static override examples = [
    '<%= config.bin %> operations cancel OPERATION',
    '<%= config.bin %> operations cancel OPERATION --reason "wrong data" --discard --wait',
    '<%= config.bin %> operations cancel --all --label experiment=7 --dry-run',
  ];
  static override flags = {
    reason: Flags.string({ description: 'why, for the history' }),
    discard: Flags.boolean({ description: 'give up what was trained since the last checkpoint' }),
    wait: Flags.boolean({ description: 'stay until it has stopped; Ctrl+C detaches' }),
    'dry-run': Flags.boolean({ description: 'only say what would happen', dependsOn: ['all'] }),
    all: allFlag(['wait']),
    ...BULK_FLAGS,
  };

  async run(): Promise<ActionView | OperationView | BulkView | null> {
    const { args, flags } = await this.parse(OperationsCancel);
    const operationId = this.target(args.operation, flags.all);
    const body = { save: !flags.discard, reason: flags.reason ?? null };
    const api = await this.connect(flags);
    if (operationId === null) {
      return this.actOnAll({ verb: 'cancel', flags, send: (selection) => api.cancelAll({ ...selection, ...body }) });
    }
    const action = await api.cancel(operationId, body);
    if (!flags.wait) {
      if (!this.jsonEnabled()) this.show(renderAction(action, await api.get(operationId), new Date()));
      return action;
    }
    const operation = await this.follow(api, operationId, ({ status }) => isSettled(status));
    if (operation) this.show(renderOutcome(operation, new Date()));
    return operation;
  }
}

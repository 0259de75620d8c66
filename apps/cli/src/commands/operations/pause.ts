import type { ActionView, BulkView, OperationView, PauseBody } from '@ktrdr/contracts';
import { isLeased, isSettled, PAUSE_CAUSES } from '@ktrdr/operations/model';
import { Args, Flags } from '@oclif/core';
import { allFlag, BULK_FLAGS, BulkCommand } from '../bulk-command.js';
import { EXIT } from '../../errors/exit-codes.js';
import { parseNumber } from '../../flags/flag-values.js';
import { renderAction, renderOutcome } from '../../render/operation-actions.js';

export default class OperationsPause extends BulkCommand {
  static override args = { operation: Args.string({ description: 'operation id' }) };
  static override summary = 'save a checkpoint and stop, to be resumed later; with --all every one that matches';
  static override usage = ['operations pause OPERATION [FLAGS]', 'operations pause --all [FILTERS] [FLAGS]'];
  static override examples = [
    '<%= config.bin %> operations pause OPERATION',
    '<%= config.bin %> operations pause OPERATION --boundary epoch --reason "machine needed" --wait',
    '<%= config.bin %> operations pause --all --status running --cause schedule',
  ];
  static override flags = {
    boundary: Flags.option({ description: 'where to stop', options: ['step', 'epoch'] as const, default: 'step' })(),
    cause: Flags.option({ description: 'what kind of pause it is', options: PAUSE_CAUSES, default: 'manual' })(),
    reason: Flags.string({ description: 'why, for the history' }),
    'pause-timeout': Flags.string({
      description: 'seconds until it has to be saved; after that it goes on running',
      helpValue: 'SECONDS',
    }),
    wait: Flags.boolean({ description: 'stay until it has paused; Ctrl+C detaches' }),
    'dry-run': Flags.boolean({ description: 'only say what would happen', dependsOn: ['all'] }),
    all: allFlag(['wait']),
    ...BULK_FLAGS,
  };

  async run(): Promise<ActionView | OperationView | BulkView | null> {
    const { args, flags } = await this.parse(OperationsPause);
    const operationId = this.target(args.operation, flags.all);
    const { boundary, cause, reason = null } = flags;
    const timeout_seconds = parseNumber('pause-timeout', flags['pause-timeout']) ?? null;
    const body: PauseBody = { boundary, cause, reason, timeout_seconds };
    const api = await this.connect(flags);
    if (operationId === null) {
      return this.actOnAll({ verb: 'pause', flags, send: (selection) => api.pauseAll({ ...selection, ...body }) });
    }
    const action = await api.pause(operationId, body);
    if (!flags.wait) {
      if (!this.jsonEnabled()) this.show(renderAction(action, await api.get(operationId), new Date()));
      return action;
    }
    // Back to running without having paused: the pause failed, and the warnings say why.
    const operation = await this.follow(api, operationId, ({ status, pause }) => {
      return isSettled(status) || (isLeased(status) && pause === null);
    });
    if (operation && isLeased(operation.status) && operation.pause === null) process.exitCode = EXIT.failed;
    if (operation) this.show(renderOutcome(operation, new Date()));
    return operation;
  }
}

import type { ForkedView, OperationView } from '@ktrdr/contracts';
import { Args, Flags } from '@oclif/core';
import { given, labelFlag, parseLabels } from '../../flags/flag-values.js';
import {
  CONTINUATION_FLAGS,
  choicesOf,
  OVERRIDE_FLAGS,
  toCheckpointChoice,
  toOverrides,
} from '../../flags/continuation-flags.js';
import { renderForked } from '../../render/continuation.js';
import { WatchCommand } from '../watch-command.js';

export default class OperationsFork extends WatchCommand {
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'start a new operation that continues from a checkpoint of this one, whatever its status';
  static override examples = [
    '<%= config.bin %> operations fork OPERATION --epochs 80 --watch',
    '<%= config.bin %> operations fork OPERATION --checkpoint best --learning-rate 0.0001 --name gentler',
    '<%= config.bin %> operations fork OPERATION --epochs 80 --dry-run',
  ];
  static override flags = {
    ...CONTINUATION_FLAGS,
    name: Flags.string({ description: 'what to call it; else the name of the original with "(fork)"' }),
    label: labelFlag('a label in place of the labels of the original'),
    priority: Flags.integer({ description: 'greater goes first', min: -100, max: 100 }),
    ...OVERRIDE_FLAGS,
  };

  async run(): Promise<ForkedView | OperationView | null> {
    const { args, flags } = await this.parse(OperationsFork);
    const { name, priority } = flags;
    const choices = (this.choices = choicesOf('fork', flags));
    const api = await this.connect(flags);
    const overrides = await toOverrides(flags, () => api.get(args.operation));
    const forked = await api.fork(args.operation, {
      checkpoint: toCheckpointChoice(flags),
      overrides,
      allow_fallback: flags['allow-fallback'],
      allow_backend_change: flags['allow-backend-change'],
      dry_run: flags['dry-run'],
      ...given({ name, priority, labels: flags.label && parseLabels(flags.label) }),
    });
    this.show(renderForked(forked, new Date(), { choices: `${choices.checkpoint}${choices.others}` }));
    return flags.watch && forked.operation_id ? this.watch(api, forked.operation_id) : forked;
  }
}

import type { OperationView, SubmitBody } from '@ktrdr/contracts';
import { Args, Flags } from '@oclif/core';
import type { ApiClient } from '@ktrdr/api-client';
import { parseLabels } from '../../flags/flag-values.js';
import { renderStarted } from '../../render/operation-actions.js';
import { locateIssues } from '../../flags/spec-file.js';
import { readSpecFile, type SpecFile } from '../../flags/spec-file.js';
import { parseWatchdog } from '../../flags/flag-values.js';
import { WatchCommand } from '../watch-command.js';

export default class OperationsStart extends WatchCommand {
  static override args = {
    spec: Args.string({ description: 'YAML or JSON file, or - for standard input', required: true }),
  };
  static override summary = 'start an operation from a specification';
  static override examples = [
    '<%= config.bin %> operations start strategy.yaml',
    '<%= config.bin %> operations start strategy.yaml --name sp500 --label owner=ada --watch',
    'cat strategy.json | <%= config.bin %> operations start -',
  ];
  static override flags = {
    name: Flags.string({ description: 'what to call it; else the name in the specification' }),
    label: Flags.string({
      description: 'a label, more than once if needed',
      helpValue: 'KEY=VALUE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    priority: Flags.integer({ description: 'greater goes first', min: -100, max: 100 }),
    pool: Flags.string({ description: 'which workers may take it' }),
    parent: Flags.string({ description: 'the operation that it belongs to', helpValue: 'OPERATION' }),
    watchdog: Flags.string({
      description: 'how long it may make no step, and what happens then; off: for ever',
      helpValue: 'SECONDS[:warn|pause|fail]',
    }),
    watch: Flags.boolean({ char: 'w', description: 'stay and show how it goes; Ctrl+C detaches' }),
  };

  async run(): Promise<OperationView | null> {
    const { args, flags } = await this.parse(OperationsStart);
    const file = await readSpecFile(args.spec);
    const api = await this.connect(flags);
    const { name, priority, pool, parent: parent_id } = flags;
    const watchdog = flags.watchdog === undefined ? undefined : parseWatchdog(flags.watchdog);
    const labels = { ...(file.operation.labels as object | undefined), ...parseLabels(flags.label ?? []) };
    const given = Object.entries({ name, priority, pool, parent_id, watchdog }).filter(
      ([, value]) => value !== undefined,
    );
    const operation = await this.submit(api, file, { ...Object.fromEntries(given), labels });
    this.show(renderStarted(operation));
    return flags.watch ? this.watch(api, operation.operation_id) : operation;
  }

  private async submit(api: ApiClient, file: SpecFile, given: Partial<SubmitBody>): Promise<OperationView> {
    try {
      return await api.submit({ ...(file.operation as Partial<SubmitBody>), ...given, spec: file.spec });
    } catch (error) {
      throw locateIssues(error, file);
    }
  }
}

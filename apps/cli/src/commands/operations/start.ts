import type { OperationView, SubmitBody } from '@ktrdr/contracts';
import { Args, Flags } from '@oclif/core';
import { given, labelFlag, parseLabels, parseWatchdog, watchFlag } from '../../flags/flag-values.js';
import { locateIssues, readSpecFile } from '../../flags/spec-file.js';
import { renderStarted } from '../../render/operation-actions.js';
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
    label: labelFlag('a label'),
    priority: Flags.integer({ description: 'greater goes first', min: -100, max: 100 }),
    pool: Flags.string({ description: 'which workers may take it' }),
    parent: Flags.string({ description: 'the operation that it belongs to', helpValue: 'OPERATION' }),
    watchdog: Flags.string({
      description: 'how long it may make no step, and what happens then; off: for ever',
      helpValue: 'SECONDS[:warn|pause|fail]',
    }),
    watch: watchFlag,
  };

  async run(): Promise<OperationView | null> {
    const { args, flags } = await this.parse(OperationsStart);
    const file = await readSpecFile(args.spec);
    const api = await this.connect(flags);
    const { name, priority, pool, parent: parent_id } = flags;
    const watchdog = flags.watchdog === undefined ? undefined : parseWatchdog(flags.watchdog);
    const fields = file.operation as Partial<SubmitBody>; // the API checks them
    const labels = { ...fields.labels, ...parseLabels(flags.label ?? []) };
    const options = given({ name, priority, pool, parent_id, watchdog });
    const submitted = api.submit({ ...fields, ...options, labels, spec: file.spec });
    const operation = await submitted.catch((error: unknown) => {
      throw locateIssues(error, file);
    });
    this.show(renderStarted(operation));
    return flags.watch ? this.watch(api, operation.operation_id) : operation;
  }
}

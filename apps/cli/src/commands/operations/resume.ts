import type { OperationView, ResumedView } from '@ktrdr/contracts';
import { Args, Flags } from '@oclif/core';
import { renderResumed } from '../../render/operation-actions.js';
import { nextCommands, type ProblemDocument } from '../../render/problem.js';
import { WatchCommand } from '../../watch-command.js';

export default class OperationsResume extends WatchCommand {
  static override args = { operation: Args.string({ description: 'operation id', required: true }) };
  static override summary = 'continue a stopped operation from a checkpoint';
  static override examples = [
    '<%= config.bin %> operations resume OPERATION --watch',
    '<%= config.bin %> operations resume OPERATION --checkpoint best',
    '<%= config.bin %> operations resume OPERATION --dry-run',
  ];
  static override flags = {
    checkpoint: Flags.string({ description: 'latest, best, or a checkpoint id', default: 'latest' }),
    'allow-fallback': Flags.boolean({
      description: 'take the newest older valid checkpoint if the chosen one is corrupted',
    }),
    'dry-run': Flags.boolean({ description: 'only say what would happen', exclusive: ['watch'] }),
    watch: Flags.boolean({ char: 'w', description: 'stay and show how it goes; Ctrl+C detaches' }),
  };

  private checkpoint = 'latest';

  async run(): Promise<ResumedView | OperationView | null> {
    const { args, flags } = await this.parse(OperationsResume);
    this.checkpoint = flags.checkpoint;
    const api = await this.connect(flags);
    const resumed = await api.resume(args.operation, {
      checkpoint: flags.checkpoint,
      allow_fallback: flags['allow-fallback'],
      dry_run: flags['dry-run'],
    });
    this.log(renderResumed(resumed, { paint: this.paint, now: new Date() }));
    return flags.watch ? this.watch(api, args.operation) : resumed;
  }

  /** The correction keeps the choice that was made. */
  protected override nextFor(problem: ProblemDocument): readonly string[] {
    const choice = this.checkpoint === 'latest' ? '' : ` --checkpoint ${this.checkpoint}`;
    return nextCommands(problem).map((command) => command.replace(' --allow-fallback', `${choice} --allow-fallback`));
  }
}

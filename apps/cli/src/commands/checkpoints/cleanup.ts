import type { CleanupBody, CleanupView } from '@ktrdr/contracts';
import { Flags } from '@oclif/core';
import { given, parseBytes, parseDays } from '../../flags/flag-values.js';
import { ApiCommand } from '../api-command.js';
import { timeoutFlag } from '../../connection/timeouts.js';
import { renderCleanup } from '../../render/cleanup.js';

/** A large clean-up takes its time; the API finishes it even when the client is gone. */
const CLEANUP_SECONDS = 600;

export default class CheckpointsCleanup extends ApiCommand {
  static override summary = 'remove checkpoints beyond some limits, and orphaned objects';
  static override description =
    'Without --yes it only shows what would go. Each limit is enforced, whatever the others say; without any, only what no checkpoint names goes. The newest, the newest valid, the best, the pinned, what an operation continues from, and the result of a completed operation stay. Operations that wait or run keep at least what their own specification says.';
  static override examples = [
    '<%= config.bin %> checkpoints cleanup --older-than 30d',
    '<%= config.bin %> checkpoints cleanup --keep-last 2 --max-size 10GB --yes',
  ];
  static override flags = {
    'older-than': Flags.string({ description: 'remove what is older: 30d, 12h, 2w', helpValue: 'AGE' }),
    'keep-last': Flags.integer({ description: 'keep so many valid ones of each operation', min: 1, helpValue: 'N' }),
    'max-size': Flags.string({
      description: 'remove the oldest until all take at most this, or what is left is protected: 10GB, 500MiB',
      helpValue: 'SIZE',
    }),
    operation: Flags.string({ description: 'only the checkpoints of this operation, and no orphans' }),
    orphans: Flags.boolean({ description: 'also what no checkpoint names', allowNo: true, default: true }),
    yes: Flags.boolean({ char: 'y', description: 'do it' }),
    timeout: timeoutFlag({ seconds: CLEANUP_SECONDS }),
  };

  async run(): Promise<CleanupView> {
    const { flags } = await this.parse(CheckpointsCleanup);
    const { 'older-than': olderThan, 'keep-last': keepLast, 'max-size': maxSize, operation, orphans } = flags;
    const limits: CleanupBody = {
      dry_run: !flags.yes,
      include_orphans: orphans,
      ...given({
        older_than_days: olderThan === undefined ? undefined : parseDays('older-than', olderThan),
        keep_last: keepLast,
        max_total_bytes: maxSize === undefined ? undefined : parseBytes('max-size', maxSize),
        operation_id: operation,
      }),
    };
    const api = await this.connect(flags);
    const view = await api.cleanUpCheckpoints(limits);
    const command = [
      'ktrdr checkpoints cleanup',
      olderThan && `--older-than ${olderThan}`,
      keepLast && `--keep-last ${keepLast}`,
      maxSize && `--max-size ${maxSize}`,
      operation && `--operation ${operation}`,
      !orphans && '--no-orphans',
      '--yes',
    ];
    this.show(renderCleanup(view, command.filter(Boolean).join(' ')));
    return view;
  }
}

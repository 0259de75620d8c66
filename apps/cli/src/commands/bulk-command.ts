import type { BulkFilter, BulkView } from '@ktrdr/contracts';
import { OPERATION_STATUSES } from '@ktrdr/operations/model';
import { Flags } from '@oclif/core';
import { confirm } from '../render/terminal/prompts.js';
import { UsageError } from '../errors/errors.js';
import { EXIT } from '../errors/exit-codes.js';
import { given, labelFlag, parseLabels } from '../flags/flag-values.js';
import { type BulkVerb, renderBulk } from '../render/bulk.js';
import { printed } from '../render/terminal/layout.js';
import { paintFor } from '../render/terminal/paint.js';
import { WatchCommand } from './watch-command.js';

const helpGroup = 'BULK';
const dependsOn = ['all'];

/** Which operations an action with `--all` is for. */
export const BULK_FLAGS = {
  status: Flags.string({
    description: `those in one of these, comma-separated: ${OPERATION_STATUSES.join(', ')}`,
    helpGroup,
    dependsOn,
  }),
  type: Flags.string({ description: 'those of this type, such as training', helpGroup, dependsOn }),
  text: Flags.string({ description: 'those with this in their name or id', helpGroup, dependsOn }),
  parent: Flags.string({ description: 'those that belong to this operation', helpGroup, dependsOn }),
  label: labelFlag('those with this label', { helpGroup, dependsOn }),
  yes: Flags.boolean({ char: 'y', description: 'do not ask', helpGroup, dependsOn }),
};

/** `--all` itself, which goes with none of these. */
export function allFlag(exclusive: readonly string[]) {
  return Flags.boolean({
    description: 'every operation that the filters below match; shows them and asks',
    helpGroup,
    exclusive: [...exclusive],
  });
}

interface BulkFlags {
  readonly status?: string | undefined;
  readonly type?: string | undefined;
  readonly text?: string | undefined;
  readonly parent?: string | undefined;
  readonly label?: readonly string[] | undefined;
  readonly yes: boolean;
  readonly 'dry-run': boolean;
}

export interface BulkRequest {
  readonly verb: BulkVerb;
  readonly flags: BulkFlags;
  readonly send: (selection: { readonly filter: BulkFilter; readonly dry_run: boolean }) => Promise<BulkView>;
}

/** A command that acts on one operation, or with `--all` on every one that matches. */
export abstract class BulkCommand extends WatchCommand {
  /** The operation that is meant, or null for all that match. @throws {UsageError} when it is neither or both */
  protected target(operation: string | undefined, isAll: boolean): string | null {
    if ((operation === undefined) === !isAll) {
      throw new UsageError('Give either an operation id, or --all with filters');
    }
    return operation ?? null;
  }

  /** Shows what would be done, asks, and does it. Exit code 1 when some were refused. */
  protected async actOnAll({ verb, flags, send }: BulkRequest): Promise<BulkView> {
    const filter = filterOf(flags);
    if (flags.yes && !flags['dry-run']) return this.finish(verb, await send({ filter, dry_run: false }));
    if (this.jsonEnabled() && !flags['dry-run']) {
      throw new UsageError(
        'With --json there is no question: repeat the command with --yes, or look first with --dry-run',
      );
    }
    const preview = await send({ filter, dry_run: true });
    if (flags['dry-run'] || preview.done === 0) return this.finish(verb, preview);
    this.logToStderr(`${printed(renderBulk(verb, preview), paintFor(process.stderr))}\n`);
    if (!(await confirm(`${capitalised(verb)} ${preview.done === 1 ? 'this one' : `these ${preview.done}`}?`))) {
      this.log('Nothing was changed.');
      return preview;
    }
    // Those that were shown, and of them only those that still match.
    const operation_ids = preview.items.map(({ operation_id: id }) => id);
    return this.finish(verb, await send({ filter: { ...filter, operation_ids }, dry_run: false }));
  }

  private finish(verb: BulkVerb, view: BulkView): BulkView {
    if (view.items.some(({ outcome }) => outcome === 'refused')) process.exitCode = EXIT.failed;
    this.show(renderBulk(verb, view));
    return view;
  }
}

function capitalised(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}

function filterOf({ status, type, text, parent, label }: BulkFlags): BulkFilter {
  return given({
    status: status?.split(',').filter(Boolean),
    type,
    text,
    parent_id: parent,
    labels: label && parseLabels(label),
  }) as BulkFilter; // the API checks it, and that it has a condition
}

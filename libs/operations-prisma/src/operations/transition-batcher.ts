import type { TransitionCommand } from '@ktrdr/operations';
import { Batcher } from '../database/batcher.js';
import { type Database, isConnectionError, writeEvents } from '../database/database.js';
import { kindOf, TOGETHER_AT_MOST, type TransitionRow, transitionStatement } from './transition-operations.js';

/** As many as processors that PostgreSQL may be expected to have to itself, at least. */
const LIMITS = { atOnce: 2, items: TOGETHER_AT_MOST };

/**
 * Carries out transitions of one kind that are asked for at the same time in one statement, with one fsync. Each is decided
 * as if it were alone: one that another transaction holds is left out there, and waited for alone.
 */
export class TransitionBatcher {
  private readonly ofKind = new Map<string, Batcher<TransitionCommand, TransitionRow | undefined>>();

  constructor(private readonly database: Database) {}

  /** The row as it is after the transition; none: its guard did not hold. */
  carryOut(command: TransitionCommand): Promise<TransitionRow | undefined> {
    const kind = kindOf(command);
    const batcher = this.ofKind.get(kind) ?? new Batcher((commands) => this.together(commands), LIMITS);
    this.ofKind.set(kind, batcher);
    return batcher.add(command);
  }

  private async together(commands: readonly [TransitionCommand, ...TransitionCommand[]]) {
    // Of several for the same operation one can succeed at most; the others find out after it.
    const [first, ...others] = commands;
    const seen = new Set([first.operationId]);
    const distinct = others.filter(({ operationId }) => !seen.has(operationId) && seen.add(operationId));
    const rows = await this.unlessHeld([first, ...distinct]);
    return commands.map((command) => {
      const row = rows.get(command.operationId);
      rows.delete(command.operationId);
      return row ?? this.alone(command);
    });
  }

  private async unlessHeld(commands: readonly [TransitionCommand, ...TransitionCommand[]]) {
    try {
      const write = () => this.database.$rows<TransitionRow>(transitionStatement(commands, 'pass-over'));
      const rows = await writeEvents(this.database, write);
      return new Map(rows.map((row) => [row.id, row]));
    } catch (error) {
      // Whatever PostgreSQL has against one of them, it has done nothing for any.
      if (commands.length === 1 || isConnectionError(error)) throw error;
      return new Map<string, TransitionRow>();
    }
  }

  private async alone(command: TransitionCommand): Promise<TransitionRow | undefined> {
    const write = () => this.database.$rows<TransitionRow>(transitionStatement([command], 'wait'));
    const [row] = await writeEvents(this.database, write);
    return row;
  }
}

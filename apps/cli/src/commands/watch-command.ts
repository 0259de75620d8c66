import type { ApiClient } from '@ktrdr/api-client';
import type { OperationView } from '@ktrdr/contracts';
import { isSettled } from '@ktrdr/operations/model';
import { ApiCommand } from './api-command.js';
import { onInterrupt } from '../errors/interrupt.js';
import { exitCodeOfStatus } from '../errors/exit-codes.js';
import { renderOutcome } from '../render/operation-actions.js';
import { watchOperation } from '../watch/watch-operation.js';
import { LineScreen, NO_SCREEN, TerminalScreen, type WatchScreen } from '../watch/watch-screen.js';

/** A command that can stay with an operation until it ends. */
export abstract class WatchCommand extends ApiCommand {
  private screen: WatchScreen | null = null;

  /** Where both streams go to one terminal, a notice would land in the middle of the line that is drawn over and over. */
  override logToStderr(message = ''): void {
    if (this.screen && process.stdout.isTTY && process.stderr.isTTY) this.screen.note(message);
    else super.logToStderr(message);
  }

  /** Shows the operation until it is settled or the user detaches; the exit code says how it ended. */
  protected async watch(api: ApiClient, operationId: string): Promise<OperationView | null> {
    const operation = await this.follow(api, operationId, ({ status }) => isSettled(status));
    if (!operation || !isSettled(operation.status)) return operation;
    process.exitCode = exitCodeOfStatus(operation.status);
    this.show(renderOutcome(operation, new Date()));
    return operation;
  }

  /** Stays until `isOver`, or until Ctrl+C, which leaves the operation alone. */
  protected async follow(
    api: ApiClient,
    operationId: string,
    isOver: (operation: OperationView) => boolean,
  ): Promise<OperationView | null> {
    using interrupt = onInterrupt();
    const { signal } = interrupt;
    const screen = this.newScreen();
    this.screen = screen;
    const { operation, isDetached } = await watchOperation({ api, operationId, screen, signal, isOver }).finally(() => {
      this.screen = null;
    });
    if (isDetached) {
      this.log('Detached; the operation goes on.');
      this.log(`  watch    ktrdr operations watch ${operationId}`);
    }
    return operation;
  }

  private newScreen(): WatchScreen {
    if (this.jsonEnabled()) return NO_SCREEN;
    return process.stdout.isTTY ? new TerminalScreen(process.stdout) : new LineScreen((line) => this.log(line));
  }
}

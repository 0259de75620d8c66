import { ProgressCommand } from './progress-command.js';
import { type BeginTransfer, transferred } from '../transfer/transfer.js';

/** A command that moves many bytes and tells how many of how many. */
export abstract class TransferCommand extends ProgressCommand {
  protected readonly begin: BeginTransfer = (done, totalBytes) => {
    let bytes = 0;
    const shown = this.showProgress(() => transferred({ bytes, totalBytes, done }));
    return {
      add: (more) => {
        bytes += more;
      },
      [Symbol.dispose]: () => shown[Symbol.dispose](),
    };
  };
}

/** What both kinds of output have of a stream. */
type Output = Pick<NodeJS.WriteStream, 'on'>;

/** Ends the program without a word once nobody reads what it prints any more, as with `ktrdr operations | head`. */
export function endOnBrokenPipe(outputs: readonly Output[], end: () => void): void {
  for (const output of outputs) {
    output.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE') end();
    });
  }
}

/** A signal ended the command before it was done. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  constructor(
    readonly signal: NodeJS.Signals,
    left = 'Nothing was kept',
  ) {
    super(`Interrupted. ${left}`);
  }
}

/** A signal that is aborted by what interrupts the process, until it is disposed of. */
export type Interrupt = { readonly signal: AbortSignal } & Disposable;

/** Aborts at Ctrl+C. Further ones change nothing, as the end is near. */
export function onInterrupt(): Interrupt {
  return onSignals(['SIGINT']);
}

/**
 * Aborts at every request to end, for a command that has something to clean up.
 * @param left what it leaves behind, as a sentence
 */
export function onAnyEnd(left?: string): Interrupt {
  return onSignals(['SIGINT', 'SIGTERM', 'SIGHUP'], left);
}

function onSignals(names: readonly NodeJS.Signals[], left?: string): Interrupt {
  const controller = new AbortController();
  const interrupt = (name: NodeJS.Signals) => controller.abort(new InterruptedError(name, left));
  for (const name of names) process.on(name, interrupt);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of names) process.off(name, interrupt);
    },
  };
}

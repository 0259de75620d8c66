/** Longer than a transition takes; whoever asks for work waits no longer for what is only foretold. */
const WAIT_AT_MOST_MS = 100;

/**
 * Transitions of this replica that were foretold to idle workers and are not decided yet. A claim that comes meanwhile
 * waits for them a moment: it was sent because of them.
 */
export class ForetoldWork {
  private readonly undecided = new Map<string, Set<Promise<void>>>();

  /** Until the returned function is called. */
  begin(pool: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const inPool = this.undecided.get(pool) ?? new Set();
    this.undecided.set(pool, inPool.add(promise));
    return () => {
      inPool.delete(promise);
      if (inPool.size === 0 && this.undecided.get(pool) === inPool) this.undecided.delete(pool);
      resolve();
    };
  }

  /** Resolves when everything that has been foretold for the pool so far is decided, or has taken too long. */
  async decided(pool: string): Promise<void> {
    const inPool = this.undecided.get(pool);
    if (!inPool) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, WAIT_AT_MOST_MS);
    });
    await Promise.race([Promise.all(inPool), late]);
    clearTimeout(timer);
  }
}

/** A call may take so long before something is said. */
const PATIENCE_MS = 2_000;

export interface WaitNoticesOptions {
  readonly send: typeof fetch;
  readonly say: (line: string) => void;
  readonly timeoutMs: number;
  readonly patienceMs?: number;
}

/** Sends requests, and tells of one that was taken and is not answered: otherwise it would look like nothing at all. */
export function withWaitNotices({ send, say, timeoutMs, patienceMs = PATIENCE_MS }: WaitNoticesOptions): typeof fetch {
  return async (address, init) => {
    const { origin } = new URL(address instanceof Request ? address.url : address);
    const line = `still waiting for an answer from ${origin}, for ${timeoutMs / 1000} s at most …`;
    const timer = setTimeout(() => say(line), patienceMs);
    try {
      return await send(address, init);
    } finally {
      clearTimeout(timer);
    }
  };
}

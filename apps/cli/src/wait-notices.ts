export interface WaitNoticesOptions {
  readonly url: string;
  readonly say: (line: string) => void;
}

/** Tells of a call that was taken and is not answered: otherwise it would look like nothing at all. */
export function waitNotices({ url, say }: WaitNoticesOptions): (leftMs: number) => void {
  return (leftMs) => {
    const seconds = Math.max(1, Math.round(leftMs / 1000));
    say(`still waiting for an answer from ${new URL(url).origin}, for ${seconds} s more at most …`);
  };
}

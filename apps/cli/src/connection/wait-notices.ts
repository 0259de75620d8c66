export interface WaitNoticesOptions {
  readonly url: string;
  readonly say: (line: string) => void;
  /** What the API is busy with meanwhile, where that is known. */
  readonly work?: string | undefined;
}

/** Tells of a call that was taken and is not answered: otherwise it would look like nothing at all. */
export function waitNotices({ url, say, work }: WaitNoticesOptions): (leftMs: number) => void {
  const { origin } = new URL(url);
  const awaited = work === undefined ? `an answer from ${origin}` : `${origin} to ${work}`;
  return (leftMs) => {
    const seconds = Math.max(1, Math.round(leftMs / 1000));
    say(`still waiting for ${awaited}, for ${seconds} s more at most …`);
  };
}

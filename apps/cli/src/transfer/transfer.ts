import { percent, size } from '../render/words/units.js';

/** Bytes that are on their way, as those see it who move them. */
export interface Transfer extends Disposable {
  add(bytes: number): void;
}

/** Begins to tell of bytes that move; `done` says what is done with them, such as `downloaded`. */
export type BeginTransfer = (done: string, totalBytes: number) => Transfer;

/** `90.0 MB of 419 MB sent (21 %)`. */
export function transferred({
  bytes,
  totalBytes,
  done,
}: {
  readonly bytes: number;
  readonly totalBytes: number;
  readonly done: string;
}): string {
  const share = totalBytes === 0 ? '' : ` (${percent(bytes / totalBytes)})`;
  return `${size(bytes)} of ${size(totalBytes)} ${done}${share}`;
}

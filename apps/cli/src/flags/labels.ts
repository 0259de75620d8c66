import { UsageError } from '../errors/errors.js';

/** `KEY=VALUE` as often as given; a later one wins. @throws {UsageError} */
export function parseLabels(labels: readonly string[]): Record<string, string> {
  const pairs = labels.map((label) => {
    const at = label.indexOf('=');
    if (at < 1) throw new UsageError(`--label ${label} is not KEY=VALUE`);
    return [label.slice(0, at), label.slice(at + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

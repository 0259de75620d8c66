/** The one of them that was probably meant; null where none is near enough. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let least = tolerance(word) + 1;
  for (const candidate of candidates) {
    const distance = distanceBetween(word, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/**
 * The command that was probably meant by these words, of which the last may be its arguments.
 * @param commands such as `operations start`
 */
export function nearestCommand(words: readonly string[], commands: readonly string[]): string | null {
  const split = commands.map((command) => command.split(' '));
  for (const length of [2, 1]) {
    const typed = words.slice(0, length);
    const ofLength = split.filter((command) => command.length === length && typed.length === length);
    const near = ofLength.filter((command) =>
      command.every((part, index) => distanceBetween(part, typed[index] ?? '') <= tolerance(typed[index] ?? '')),
    );
    const best = nearest(
      typed.join(' '),
      near.map((command) => command.join(' ')),
    );
    if (best !== null && best !== typed.join(' ')) return best;
  }
  return null;
}

function tolerance(word: string): number {
  return Math.max(1, Math.round(word.length / 3));
}

/** Letters to insert, leave out, replace, or swap with their neighbour. */
function distanceBetween(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped ? (beforeLast[column - 2] ?? 0) + 1 : Infinity,
      );
    }
    [beforeLast, last] = [last, current];
  }
  return last[to.length] ?? 0;
}

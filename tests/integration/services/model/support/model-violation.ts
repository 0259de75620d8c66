import { inspect } from 'node:util';

/** The database, or an answer, is not what it must be. */
export class ModelViolation extends Error {
  constructor(
    readonly sentences: readonly string[],
    readonly context: unknown,
  ) {
    super(`${sentences.join('\n')}\n${inspect(context, { depth: 8, breakLength: 140 })}`);
    this.name = 'ModelViolation';
  }
}

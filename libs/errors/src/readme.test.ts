import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from './domain-error.js';

const README = join(import.meta.dirname, '..', 'README.md');

describe('the README', () => {
  it('has an example of an error with a code, a message and details', async () => {
    const [, example = ''] = /```ts\n(.*?)```/s.exec(await readFile(README, 'utf8')) ?? [];
    const run = new Function('DomainError', `${example}\nreturn { error, name, code, details };`) as (
      base: typeof DomainError,
    ) => { error: unknown };
    const made = run(DomainError);
    expect(made.error).toBeInstanceOf(DomainError);
    expect(made).toMatchObject({
      name: 'SeriesTooShortError',
      code: 'data-invalid',
      details: { rows: 12, needed: 250 },
    });
  });
});

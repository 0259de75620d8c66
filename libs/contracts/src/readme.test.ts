import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PauseBody } from './operation-actions.js';

const README = join(import.meta.dirname, '..', 'README.md');

describe('the README', () => {
  it('has an example that names an unknown field of a request', async () => {
    const [, example = ''] = /```ts\n(.*?)```/s.exec(await readFile(README, 'utf8')) ?? [];
    const run = new Function('PauseBody', `${example}\nreturn issue;`) as (schema: typeof PauseBody) => unknown;
    expect(run(PauseBody)).toMatchObject({ code: 'unrecognized_keys', keys: ['resaon'] });
  });
});

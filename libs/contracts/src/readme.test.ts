import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROUTES } from './routes/index.js';

const README = join(import.meta.dirname, '..', 'README.md');

describe('the README', () => {
  it('has an example that names an unknown field of a request', async () => {
    const [, example = ''] = /```ts\n(.*?)```/s.exec(await readFile(README, 'utf8')) ?? [];
    const run = new Function('ROUTES', `${example}\nreturn issue;`) as (routes: typeof ROUTES) => unknown;
    expect(run(ROUTES)).toMatchObject({ code: 'unrecognized_keys', keys: ['resaon'] });
  });
});

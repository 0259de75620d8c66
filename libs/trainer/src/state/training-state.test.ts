import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TRAINER } from './training-state.js';

it('names the version of its package', async () => {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    version: string;
  };
  expect(TRAINER.version).toBe(version);
});

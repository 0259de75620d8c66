import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainingSpec } from './training-spec.js';

const README = join(import.meta.dirname, '..', 'README.md');

describe('the README', () => {
  it('has an example that fills in defaults and names an unknown field', async () => {
    const [, example = ''] = /```ts\n(.*?)```/s.exec(await readFile(README, 'utf8')) ?? [];
    const run = new Function('TrainingSpec', `${example}\nreturn { feature, issue };`) as (
      schema: typeof TrainingSpec,
    ) => unknown;
    expect(run(TrainingSpec)).toMatchObject({
      feature: { kind: 'rsi', period: 14 },
      issue: { code: 'unrecognized_keys', keys: ['epocs'] },
    });
  });
});

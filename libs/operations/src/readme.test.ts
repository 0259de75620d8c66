import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newOperationId } from './submit/operation-draft.js';
import { allowedActions, statusesBefore } from './model/transitions.js';

const README = join(import.meta.dirname, '..', 'README.md');

describe('the README', () => {
  it('has an example of moves and of what they allow', async () => {
    const [, example = ''] = /```ts\n(.*?)```/s.exec(await readFile(README, 'utf8')) ?? [];
    const given = { statusesBefore, allowedActions, newOperationId };
    const run = new Function(...Object.keys(given), `${example}\nreturn { resumable, offered, id };`) as (
      ...parts: unknown[]
    ) => unknown;
    expect(run(...Object.values(given))).toEqual({
      resumable: ['paused', 'cancelled', 'failed'],
      offered: ['resume', 'cancel', 'delete'],
      id: 'op_training_20261122_101500_0000000000',
    });
  });
});

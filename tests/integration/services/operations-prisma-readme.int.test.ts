import { openDatabase, PrismaOperationStore } from '@ktrdr/operations-prisma';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { givenServices } from '../support/given-services.js';
import { draftOperation } from '../support/given-store.js';

const README = join(import.meta.dirname, '..', '..', '..', 'libs', 'operations-prisma', 'README.md');

describe('the README of operations-prisma', () => {
  let services: Awaited<ReturnType<typeof givenServices>>;
  beforeAll(async () => {
    services = await givenServices();
  });
  afterAll(() => services.close());

  it('has an example in which an old fencing token is refused', async () => {
    const [, example = ''] = /```ts\n(.*?)```/s.exec(await readFile(README, 'utf8')) ?? [];
    const given = {
      openDatabase,
      PrismaOperationStore,
      databaseUrl: services.databaseUrl,
      draft: draftOperation(),
    };
    const run = new Function(
      ...Object.keys(given),
      `return (async () => { ${example}\nreturn { claimed, kind, operation }; })();`,
    ) as (...parts: unknown[]) => Promise<unknown>;
    expect(await run(...Object.values(given))).toMatchObject({
      claimed: { attempt: 1, status: 'running' },
      kind: 'refused',
      operation: { attempt: 1, status: 'running' },
    });
  });
});

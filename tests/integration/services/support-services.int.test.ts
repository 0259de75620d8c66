import { existsSync } from 'node:fs';
import { openObjectStore } from '@ktrdr/object-store';
import { eventually } from '../support/eventually.js';
import { givenServices } from '../support/given-services.js';
import type { Services } from '../support/given-services.js';

describe('the services of a test file', () => {
  const opened: Services[] = [];
  const given = async (): Promise<Services> => {
    const services = await givenServices();
    opened.push(services);
    return services;
  };
  afterAll(async () => {
    for (const services of opened) await services.close();
  });

  it('are a migrated database, a NATS prefix and a folder that nobody else has', async () => {
    const [one, other] = await Promise.all([given(), given()]);
    const database = await one.database();
    const { rows } = await database.query('SELECT count(*)::int AS operations FROM operations');
    expect(rows).toEqual([{ operations: 0 }]);
    expect(one.databaseUrl).not.toBe(other.databaseUrl);
    expect(one.natsPrefix).not.toBe(other.natsPrefix);
    expect(one.folder).not.toBe(other.folder);
  });

  it('have a bucket when asked for one, the same each time', async () => {
    const services = await given();
    const { url, env } = await services.s3();
    const store = openObjectStore(url, {
      credentials: {
        accessKeyId: env['KTRDR_S3_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: env['KTRDR_S3_SECRET_ACCESS_KEY'] ?? '',
      },
    });
    await store.put('a/b', new TextEncoder().encode('c'));
    expect(await store.head('a/b')).toMatchObject({ bytes: 1 });
    expect((await services.s3()).url).toBe(url);
  });

  it('are gone after close, whatever was still connected', async () => {
    const services = await givenServices();
    await services.database();
    await services.close();
    expect(existsSync(services.folder)).toBe(false);
    await expect(services.database()).rejects.toThrow(/does not exist/);
  });

  it('are waited for with a deadline whose error says what was seen last', async () => {
    const waiting = eventually(() => false, { what: 'the impossible happens', deadlineMs: 30 });
    await expect(waiting).rejects.toThrow('Not within 30 ms: the impossible happens; last seen: false');
  });
});

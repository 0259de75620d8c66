import { Prisma } from '../generated/prisma/client.js';
import {
  checkDatabase,
  DatabaseUnavailableError,
  isConnectionError,
  openDatabase,
  withDatabaseErrors,
} from './database.js';

/** As Prisma passes on what PostgreSQL said. */
function reported(originalCode: string, message = 'in some language'): Error {
  return Object.assign(new Error(message), {
    code: 'P2039',
    meta: { driverAdapterError: { name: 'DriverAdapterError', cause: { kind: 'postgres', originalCode } } },
  });
}

describe('an error of the database', () => {
  it.each(['57P01', '57P02', '57P03', '08006', '53300'])('with SQLSTATE %s says that it is out of reach', (state) => {
    expect(isConnectionError(reported(state))).toBe(true);
  });

  it.each(['23505', '23514', '42P01'])('with SQLSTATE %s says that it disagreed', (state) => {
    expect(isConnectionError(reported(state))).toBe(false);
  });

  it("is known by the driver's own code", () => {
    expect(isConnectionError(Object.assign(new Error('not yet'), { code: '57P03' }))).toBe(true);
    expect(isConnectionError(Object.assign(new Error('there already'), { code: '23505' }))).toBe(false);
  });

  it('says so by its cause too', () => {
    expect(isConnectionError(new Error('outer', { cause: new Error('connect ECONNREFUSED 127.0.0.1:5432') }))).toBe(
      true,
    );
  });

  it('becomes a domain error only when it is out of reach', async () => {
    await expect(withDatabaseErrors(() => Promise.reject(reported('57P03')))).rejects.toBeInstanceOf(
      DatabaseUnavailableError,
    );
    await expect(withDatabaseErrors(() => Promise.reject(reported('23505')))).rejects.not.toBeInstanceOf(
      DatabaseUnavailableError,
    );
  });
});

describe('a database that is out of reach', () => {
  const database = openDatabase({ url: 'postgresql://ktrdr@127.0.0.1:1/ktrdr', connections: 1 });
  afterAll(() => database.$disconnect());

  it.each<[string, () => Promise<unknown>]>([
    ['a statement', () => database.$rows(Prisma.sql`SELECT 1`)],
    ['a raw query', () => database.$queryRaw(Prisma.sql`SELECT 1`)],
    ['a query of a table', () => database.worker.findMany()],
    ['a transaction', () => database.$transaction((tx) => tx.worker.findMany())],
  ])('says so to %s', async (_, query) => {
    await expect(query()).rejects.toBeInstanceOf(DatabaseUnavailableError);
  });

  it('is checked with what the driver says of it', async () => {
    await expect(checkDatabase(database)).rejects.toThrow(/127\.0\.0\.1:1|DatabaseNotReachable/);
  });
});

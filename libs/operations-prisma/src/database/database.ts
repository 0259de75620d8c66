import { types } from 'node:util';
import { PrismaPg } from '@prisma/adapter-pg';
import { DomainError } from '@ktrdr/errors';
import { Pool, type QueryResultRow } from 'pg';
import { type Prisma, PrismaClient } from '../generated/prisma/client.js';
import { PreparedStatements } from './prepared-statements.js';

export type Database = PrismaClient & DirectQueries;

/** Statements that are ours from beginning to end, and run so often that what Prisma does around them counts. */
interface DirectQueries {
  /**
   * The rows of one statement, straight from the pool that Prisma uses too. Columns come as `pg` gives them: bigint as
   * a string, timestamps as Date, json parsed.
   */
  readonly $rows: <Row>(statement: Prisma.Sql) => Promise<Row[]>;
  /** To be called after each commit that has written events. */
  readonly $recorded: () => void;
}

/** PostgreSQL did not answer, or refused the connection. */
export class DatabaseUnavailableError extends DomainError {
  readonly code = 'database-unavailable';
  constructor(cause: unknown) {
    super('PostgreSQL does not answer; try again', {}, { cause });
  }
}

/** PostgreSQL answers, and has none of ktrdr's tables. */
class DatabaseNotMigratedError extends DomainError {
  readonly code = 'database-unavailable';
  constructor(cause: unknown) {
    super(
      'the database has no tables of ktrdr; run its migrations: npm run db:migrate, or the image ktrdr-migrate',
      {},
      { cause },
    );
  }
}

const CONNECT_WITHIN_MS = 3_000;
/** A server that is gone without a word would otherwise be waited for until TCP gives up, many minutes later. */
const ANSWER_WITHIN_MS = 10_000;

/**
 * Otherwise a connection plans the first five uses of a statement each for itself, which takes longer than the statement:
 * where little happens, the statements of a resume are still among their first five for a long time.
 */
const PLANNED_FOR_ALL_USES = '-c plan_cache_mode=force_generic_plan';

export interface DatabaseOptions {
  readonly url: string;
  readonly connections: number;
  /** Called after each commit of this process that may have written events. */
  readonly onRecorded?: () => void;
}

/**
 * A pool of connections; none is opened before the first query. Every query throws a {@link DatabaseUnavailableError}
 * where PostgreSQL is out of reach.
 */
export function openDatabase({ url, connections, onRecorded = () => undefined }: DatabaseOptions): Database {
  const statements = new PreparedStatements();
  const pool = new Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    query_timeout: ANSWER_WITHIN_MS,
    keepAlive: true,
    options: PLANNED_FOR_ALL_USES,
  });
  pool.on('error', () => undefined); // an idle connection has ended; the pool has dropped it already
  const adapter = new PrismaPg(pool, {
    statementNameGenerator: ({ sql }) => statements.nameOf(sql),
    disposeExternalPool: true,
  });
  const $rows = async <Row>({ text, values }: Prisma.Sql): Promise<Row[]> => {
    const query = { name: statements.nameOf(text), text, values };
    const { rows } = await withDatabaseErrors(() => pool.query<Row & QueryResultRow>(query));
    return rows;
  };
  return throwingDomainErrors(new PrismaClient({ adapter }), { $rows, $recorded: onRecorded });
}

/** A client, or the part of it for a table, whose methods throw domain errors; with further members as they are. */
function throwingDomainErrors<Client extends object, More extends object>(client: Client, more: More): Client & More {
  const members = new Map<string | symbol, unknown>(Object.entries(more));
  const wrapped = (member: unknown): unknown => {
    if (typeof member === 'function')
      return (...parameters: unknown[]) => withDatabaseErrors(() => Reflect.apply(member, client, parameters));
    return typeof member === 'object' && member !== null ? throwingDomainErrors(member, {}) : member;
  };
  const get = (_: Client, name: string | symbol) => {
    if (!members.has(name)) members.set(name, wrapped(Reflect.get(client, name)));
    return members.get(name);
  };
  return new Proxy(client, { get }) as Client & More;
}

const CONNECTION_CODES = new Set(['P1000', 'P1001', 'P1002', 'P1008', 'P1011', 'P1017', 'P2024', 'P2028', 'P2037']);
const CONNECTION_WORDS =
  /ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|Connection terminated|connection timeout|timeout exceeded when trying to connect|shutting down|starting up|in recovery mode|terminating connection|Client has encountered a connection error|DatabaseNotReachable|ConnectionClosed|Can't reach database|Server has closed the connection|Timed out fetching a new connection|Query read timeout|not queryable|Unable to start a transaction|ENOENT/i;

/** SQLSTATEs of a server that is going, gone or coming: connection exceptions, shutdown, crash, start-up, overload. */
const UNAVAILABLE_STATES = /^(08|57P0[123]|53)/;

/** Whether the error says that PostgreSQL is out of reach, rather than that it disagreed. */
export function isConnectionError(error: unknown): boolean {
  if (!types.isNativeError(error)) return false;
  const { code, cause } = error as Error & { code?: unknown };
  if (typeof code === 'string' && CONNECTION_CODES.has(code)) return true;
  if (UNAVAILABLE_STATES.test(sqlStateOf(error))) return true;
  if (CONNECTION_WORDS.test(error.message)) return true;
  return cause !== undefined && cause !== error && isConnectionError(cause);
}

const UNDEFINED_TABLE = '42P01';

type Reported = Error & {
  readonly code?: unknown;
  readonly meta?: { readonly driverAdapterError?: { readonly cause?: { readonly originalCode?: unknown } } };
};

/** What PostgreSQL itself called it, straight from its driver or by way of Prisma; empty where it said nothing. */
function sqlStateOf(error: Error): string {
  const { meta, code } = error as Reported;
  const state = meta?.driverAdapterError?.cause?.originalCode ?? code;
  return typeof state === 'string' ? state : '';
}

/** A lock, a deadlock, a time-out, or a row that another transaction has just written: a repetition may succeed. */
const PASSING_STATES = /^(40|55|57014|23505)/;

/** Whether the statement failed for a reason that passes, rather than for its values. */
export function isPassing(error: unknown): boolean {
  return error instanceof Error && (isConnectionError(error) || PASSING_STATES.test(sqlStateOf(error)));
}

/** Whether another transaction has just written what may be there once only. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof Error && sqlStateOf(error) === '23505';
}

/** Whether a statement gave up waiting for a lock after its `lock_timeout`. */
export function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && sqlStateOf(error) === '55P03';
}

/**
 * Settles when PostgreSQL answers a question about operations.
 * @throws {DatabaseNotMigratedError} and whatever the driver says of a server that is out of reach.
 */
export async function checkDatabase(database: Pick<Database, '$queryRawUnsafe'>): Promise<void> {
  try {
    await database.$queryRawUnsafe('SELECT 1 FROM operations LIMIT 1');
  } catch (error) {
    if (error instanceof Error && sqlStateOf(error) === UNDEFINED_TABLE) throw new DatabaseNotMigratedError(error);
    throw error instanceof DatabaseUnavailableError ? error.cause : error;
  }
}

/** Runs a query, turning an unreachable database into its domain error. */
export async function withDatabaseErrors<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    if (error instanceof DatabaseUnavailableError || !isConnectionError(error)) throw error;
    throw new DatabaseUnavailableError(error);
  }
}

/** Runs what writes events, and announces them after the commit. */
export async function writeEvents<T>(database: Database, write: () => Promise<T>): Promise<T> {
  const result = await write();
  database.$recorded();
  return result;
}

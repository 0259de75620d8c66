import { PrismaPg } from '@prisma/adapter-pg';
import { DomainError } from '@ktrdr/errors';
import { PrismaClient } from './generated/prisma/client.js';

export type Database = PrismaClient;

/** PostgreSQL did not answer, or refused the connection. */
export class DatabaseUnavailableError extends DomainError {
  readonly code = 'database-unavailable';
  constructor(cause: unknown) {
    super('PostgreSQL does not answer; try again', {}, { cause });
  }
}

const CONNECT_WITHIN_MS = 3_000;
/** A server that is gone without a word would otherwise be waited for until TCP gives up, many minutes later. */
const ANSWER_WITHIN_MS = 10_000;

/** A pool of connections; none is opened before the first query. */
export function openDatabase({ url, connections }: { readonly url: string; readonly connections: number }): Database {
  const adapter = new PrismaPg({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    query_timeout: ANSWER_WITHIN_MS,
    keepAlive: true,
  });
  return new PrismaClient({ adapter });
}

const CONNECTION_CODES = new Set(['P1000', 'P1001', 'P1002', 'P1008', 'P1011', 'P1017', 'P2024', 'P2028', 'P2037']);
const CONNECTION_WORDS =
  /ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|Connection terminated|connection timeout|timeout exceeded when trying to connect|shutting down|starting up|in recovery mode|terminating connection|Client has encountered a connection error|DatabaseNotReachable|ConnectionClosed|Can't reach database|Server has closed the connection|Timed out fetching a new connection|Query read timeout|not queryable|Unable to start a transaction|ENOENT/i;

/** Whether the error says that PostgreSQL is out of reach, rather than that it disagreed. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, cause } = error as Error & { code?: unknown };
  if (typeof code === 'string' && CONNECTION_CODES.has(code)) return true;
  if (CONNECTION_WORDS.test(error.message)) return true;
  return cause !== undefined && cause !== error && isConnectionError(cause);
}

/** Runs a query, turning an unreachable database into its domain error. */
export async function reach<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    if (isConnectionError(error)) throw new DatabaseUnavailableError(error);
    throw error;
  }
}

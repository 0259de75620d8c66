import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { applyMigrations } from '@ktrdr/migrate';
import { embeddedNats, embeddedPostgres } from './embedded.js';
import type { TestService } from './embedded.js';

/** What a test file finds in its environment. */
export type TestEnvironment = Readonly<{
  KTRDR_TEST_RUN: string;
  KTRDR_TEST_DATABASE_URL: string;
  KTRDR_TEST_NATS_URL: string;
  /** The folder with the keys that the NATS server was configured with. */
  KTRDR_TEST_NATS_KEYS: string;
  KTRDR_TEST_TEMPLATE: string;
  /** A folder with one file for each process that a test has started, named by its pid. */
  KTRDR_TEST_PROCESSES: string;
}>;

/** The services of one run of the tests. */
export type TestServices = Readonly<{
  environment: TestEnvironment;
  summary: string;
  /** Ends everything, what tests left behind included. */
  close(): Promise<void>;
  /** The same from a signal handler: now, and without waiting. */
  killNow(): void;
}>;

function external(url: string | undefined, keys?: string): TestService | undefined {
  if (!url) return undefined;
  return { url, ...(keys ? { keys } : {}), origin: new URL(url).host, pids: [], close: async () => undefined };
}

/** Given by address, else in a container where Docker answers, else embedded. */
async function openServices(
  report: (line: string) => void,
): Promise<{ postgres: TestService; nats: TestService; why: string }> {
  const { KTRDR_TEST_DATABASE_URL, KTRDR_TEST_NATS_URL, KTRDR_TEST_NATS_KEYS } = process.env;
  const given = {
    postgres: external(KTRDR_TEST_DATABASE_URL),
    nats: external(KTRDR_TEST_NATS_URL, KTRDR_TEST_NATS_KEYS),
  };
  if (KTRDR_TEST_NATS_URL && !KTRDR_TEST_NATS_KEYS)
    throw new Error(
      "KTRDR_TEST_NATS_KEYS is not set: give the folder that `ktrdr nats-config FOLDER --prefix '*'` has made, from " +
        'which the server at KTRDR_TEST_NATS_URL has its configuration',
    );
  const isComplete = given.postgres !== undefined && given.nats !== undefined;
  const containers = isComplete ? undefined : await import('./containers.js');
  const engine = await containers?.askEngine();
  const open = async (contained: () => Promise<TestService>, embedded: () => Promise<TestService>) => {
    if (!engine?.answers) return embedded();
    return contained().catch((error: unknown) => {
      report(
        `a container did not start (${error instanceof Error ? error.message : String(error)}); using the embedded one`,
      );
      return embedded();
    });
  };
  const postgres = given.postgres ?? (await open(() => containers!.containerPostgres(), embeddedPostgres));
  const nats =
    given.nats ??
    (await open(
      () => containers!.containerNats(),
      () => embeddedNats(report),
    ));
  return { postgres, nats, why: engine?.why ?? 'given by address' };
}

/** The address of another database on the same server. */
export function onDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

async function sql(url: string, ...statements: readonly string[]): Promise<pg.QueryResult | undefined> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    let last: pg.QueryResult | undefined;
    for (const statement of statements) last = await client.query(statement);
    return last;
  } finally {
    await client.end();
  }
}

async function dropDatabases(url: string, prefix: string): Promise<void> {
  const found = await sql(url, `SELECT datname FROM pg_database WHERE datname LIKE '${prefix}%'`);
  const names = (found?.rows ?? []) as readonly { readonly datname: string }[];
  await sql(url, ...names.map(({ datname }) => `DROP DATABASE IF EXISTS "${datname}" WITH (FORCE)`));
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended already
  }
}

/** Opens what the integration tests stand on: servers, and a migrated database to copy. */
export async function openTestServices(report: (line: string) => void): Promise<TestServices> {
  const startedAt = performance.now();
  const run = randomBytes(4).toString('hex');
  const processes = await mkdtemp(join(tmpdir(), 'ktrdr-test-processes-'));
  const { postgres, nats, why } = await openServices(report);
  const template = `ktrdr_test_${run}`;
  await sql(postgres.url, `CREATE DATABASE "${template}"`);
  await applyMigrations({ databaseUrl: onDatabase(postgres.url, template) });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  return {
    environment: {
      KTRDR_TEST_RUN: run,
      KTRDR_TEST_DATABASE_URL: postgres.url,
      KTRDR_TEST_NATS_URL: nats.url,
      KTRDR_TEST_NATS_KEYS: nats.keys ?? '',
      KTRDR_TEST_TEMPLATE: template,
      KTRDR_TEST_PROCESSES: processes,
    },
    summary: `services: PostgreSQL ${postgres.origin}, NATS ${nats.origin} (${why}), ready in ${seconds} s`,
    async close() {
      for (const name of await readdir(processes)) {
        // A pid whose file is still there was started by a test and never seen to end.
        if ((await readFile(join(processes, name), 'utf8').catch(() => '')) !== '') tryKill(-Number(name), 'SIGKILL');
      }
      await dropDatabases(postgres.url, template);
      await Promise.all([postgres.close(), nats.close(), rm(processes, { recursive: true, force: true })]);
    },
    killNow() {
      if (!existsSync(processes)) return; // it was closed already
      for (const name of readdirSync(processes)) {
        if (readFileSync(join(processes, name), 'utf8') !== '') tryKill(-Number(name), 'SIGKILL');
      }
      for (const pid of [...postgres.pids, ...nats.pids]) tryKill(pid, 'SIGKILL');
      for (const folder of [postgres.folder, nats.folder, processes]) {
        if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      }
    },
  };
}

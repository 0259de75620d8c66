import { NO_FILTERS, readMigrations, withSchemaEngine } from '@ktrdr/migrate';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRepository } from '../repository.js';
import { freePort } from '../stack/free-port.js';
import { startPostgres } from '../stack/postgres.js';

const LOCKFILE = '# Kept by the migration tool. It belongs into version control.\nprovider = "postgresql"\n';

/** Runs work on a PostgreSQL that lives only for it. */
async function withScratchPostgres<T>(work: (databaseUrl: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'ktrdr-db-'));
  try {
    await chmod(folder, 0o711); // as root, PostgreSQL runs as somebody else
    const place = { dataDir: join(folder, 'postgres'), logFile: join(folder, 'postgres.log'), password: 'scratch' };
    const postgres = await startPostgres({ ...place, port: await freePort() });
    try {
      return await work(postgres.url('postgres'));
    } finally {
      await postgres.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The SQL from the state after all migrations to schema.prisma; empty when they agree. Needs a shadow database. */
async function diffFromMigrations(databaseUrl: string): Promise<string> {
  const path = inRepository('prisma', 'schema.prisma');
  const [migrations, content] = await Promise.all([readMigrations(), readFile(path, 'utf8')]);
  return withSchemaEngine(
    databaseUrl,
    async (engine) => {
      const { stdout, exitCode } = await engine.diff({
        from: { tag: 'migrations', ...migrations },
        to: { tag: 'schemaDatamodel', files: [{ path, content }] },
        script: true,
        exitCode: true,
        filters: NO_FILTERS,
      });
      return exitCode === 0 ? '' : (stdout ?? '');
    },
    content,
  );
}

/** Folder name as Prisma makes it: UTC time, then the name in snake case. */
export function migrationFolderName(name: string, now: Date): string {
  const stamp = now.toISOString().replace(/\D/g, '').slice(0, 14);
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  if (slug === '') throw new Error('A migration needs a name: npm run db:diff -- add-priority');
  return `${stamp}_${slug}`;
}

/** Writes the migration that leads from the present ones to schema.prisma; undefined when none is needed. */
export async function createMigration(name: string, now: Date): Promise<string | undefined> {
  const folder = inRepository('prisma', 'migrations', migrationFolderName(name, now));
  const sql = await withScratchPostgres(diffFromMigrations);
  if (sql.trim() === '') return undefined;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'migration.sql'), `${sql.trim()}\n`);
  await writeFile(inRepository('prisma', 'migrations', 'migration_lock.toml'), LOCKFILE);
  return folder;
}

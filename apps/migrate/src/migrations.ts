import type { MigrationList } from '@prisma/schema-engine-wasm';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withSchemaEngine } from './schema-engine.js';

export const NO_FILTERS = { externalTables: [], externalEnums: [] };

/** Beside `apps/`, in a checkout as in an image; this file runs from `src` and from `dist`. */
const MIGRATIONS_FOLDER = join(import.meta.dirname, '..', '..', '..', 'prisma', 'migrations');

/**
 * The migrations on disk, in the order in which they apply.
 * @throws {Error} when there is none: an installation without them would call every database up to date.
 */
export async function readMigrations(folder = MIGRATIONS_FOLDER): Promise<MigrationList> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  if (names.length === 0) throw new Error(`There are no migrations in ${folder}; the installation is incomplete.`);
  const lockfile = await readFile(join(folder, 'migration_lock.toml'), 'utf8').catch(() => null);
  const migrationDirectories = await Promise.all(
    names.map(async (name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok' as const, value: await readFile(join(folder, name, 'migration.sql'), 'utf8') },
      },
    })),
  );
  return {
    baseDir: folder,
    lockfile: { path: 'migration_lock.toml', content: lockfile },
    shadowDbInitScript: '',
    migrationDirectories,
  };
}

/**
 * Brings a database up to date, keeping `_prisma_migrations` as `prisma migrate deploy` does, and names what it applied.
 * Several processes may do so at once: the engine takes an advisory lock.
 */
export async function applyMigrations({ databaseUrl }: { readonly databaseUrl: string }): Promise<readonly string[]> {
  const migrationsList = await readMigrations();
  return withSchemaEngine(databaseUrl, async (engine) => {
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: NO_FILTERS });
    return appliedMigrationNames;
  });
}

import type { MigrationList } from '@prisma/schema-engine-wasm';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inRepository } from '../repository.js';
import { withSchemaEngine } from './schema-engine.js';

const NO_FILTERS = { externalTables: [], externalEnums: [] };

/** The migrations on disk, in the order in which they apply. */
export async function readMigrations(folder = inRepository('prisma', 'migrations')): Promise<MigrationList> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
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

/** The schema that the newest migration should lead to. */
export async function readSchema(): Promise<{ readonly path: string; readonly content: string }> {
  const path = inRepository('prisma', 'schema.prisma');
  return { path, content: await readFile(path, 'utf8') };
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

/** The SQL from the state after all migrations to schema.prisma; empty when they agree. Needs a shadow database. */
export async function diffFromMigrations({ databaseUrl }: { readonly databaseUrl: string }): Promise<string> {
  const [migrations, schema] = await Promise.all([readMigrations(), readSchema()]);
  return withSchemaEngine(
    databaseUrl,
    async (engine) => {
      const { stdout, exitCode } = await engine.diff({
        from: migrations.migrationDirectories.length === 0 ? { tag: 'empty' } : { tag: 'migrations', ...migrations },
        to: { tag: 'schemaDatamodel', files: [schema] },
        script: true,
        exitCode: true,
        filters: NO_FILTERS,
      });
      return exitCode === 0 ? '' : (stdout ?? '');
    },
    schema.content,
  );
}

import { readDatabaseUrl } from './config.js';
import { applyMigrations } from './migrations.js';

try {
  const applied = await applyMigrations({ databaseUrl: readDatabaseUrl() });
  const lines = applied.length === 0 ? ['the database is up to date'] : applied.map((name) => `applied ${name}`);
  process.stdout.write(`${lines.join('\n')}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

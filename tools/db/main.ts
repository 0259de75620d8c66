import { relative } from 'node:path';
import { repositoryRoot } from '../repository.js';
import { createMigration } from './diff.js';
import { applyMigrations } from './migrations.js';

async function migrate(): Promise<void> {
  const databaseUrl = process.env['KTRDR_DATABASE_URL'];
  if (!databaseUrl) throw new Error('KTRDR_DATABASE_URL is not set: give the database to migrate, postgresql://…');
  const applied = await applyMigrations({ databaseUrl });
  console.log(
    applied.length === 0 ? 'the database is up to date' : applied.map((name) => `applied ${name}`).join('\n'),
  );
}

async function diff(name: string | undefined): Promise<void> {
  if (name === undefined) throw new Error('A migration needs a name: npm run db:diff -- add-priority');
  const folder = await createMigration(name, new Date());
  console.log(folder ? `wrote ${relative(repositoryRoot, folder)}` : 'the migrations already lead to schema.prisma');
}

const [command, ...args] = process.argv.slice(2);
try {
  if (command === 'migrate') await migrate();
  else if (command === 'diff') await diff(args[0]);
  else throw new Error('Say what to do: migrate, or diff NAME');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

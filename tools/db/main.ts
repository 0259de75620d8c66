import { relative } from 'node:path';
import { repositoryRoot } from '../repository.js';
import { createMigration } from './diff.js';

try {
  const [name] = process.argv.slice(2);
  if (name === undefined) throw new Error('A migration needs a name: npm run db:diff -- add-priority');
  const folder = await createMigration(name, new Date());
  console.log(folder ? `wrote ${relative(repositoryRoot, folder)}` : 'the migrations already lead to schema.prisma');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

import { defineConfig } from 'prisma/config';

// Only the command line of Prisma reads this; `npm run db:*` needs no engine binary and goes its own way (tools/db).
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(process.env['KTRDR_DATABASE_URL'] ? { datasource: { url: process.env['KTRDR_DATABASE_URL'] } } : {}),
});

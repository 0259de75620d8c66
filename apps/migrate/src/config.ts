import { DomainError } from '@ktrdr/errors';

/** The environment does not say which database to migrate. */
class MigrationConfigurationError extends DomainError {
  readonly code = 'configuration-invalid';
  constructor(problem: string) {
    super(`The database cannot be migrated: KTRDR_DATABASE_URL ${problem}`, { problems: [problem] });
  }
}

/** JSON Schema of every variable that this program reads, with what docs/CONFIGURATION.md says of it. */
export const ENVIRONMENT_SCHEMA = {
  properties: { KTRDR_DATABASE_URL: { type: 'string', description: 'database to migrate, `postgresql://…`' } },
  required: ['KTRDR_DATABASE_URL'],
} as const;

/** @throws {MigrationConfigurationError} never with the value, which holds a password. */
export function readDatabaseUrl(environment: NodeJS.ProcessEnv = process.env): string {
  const url = environment['KTRDR_DATABASE_URL'];
  if (!url) throw new MigrationConfigurationError('is not set: give the database to migrate, postgresql://…');
  if (!/^postgres(ql)?:\/\//.test(url)) throw new MigrationConfigurationError('must begin with postgresql://');
  if (!URL.canParse(url)) throw new MigrationConfigurationError('is not a URL');
  return url;
}

import { Environment as ApiEnvironment } from '@ktrdr/api/config';
import { ENVIRONMENT_SCHEMA as CLI_SCHEMA } from '@ktrdr/cli/config';
import { ENVIRONMENT_SCHEMA as MIGRATE_SCHEMA } from '@ktrdr/migrate/config';
import { Environment as WorkerEnvironment } from '@ktrdr/training-worker/config';
import { writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { z } from 'zod';
import { inRepository } from '../repository.js';

/** The part of a JSON Schema that the page shows. */
interface EnvironmentSchema {
  readonly properties?: Readonly<Record<string, VariableSchema>>;
  readonly required?: readonly string[];
}

interface VariableSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** The document with the variables of all programs. */
export const CONFIGURATION_DOCUMENT = inRepository('docs', 'CONFIGURATION.md');

const PROGRAMS: Readonly<Record<string, EnvironmentSchema>> = {
  API: schemaOf(ApiEnvironment),
  Worker: schemaOf(WorkerEnvironment),
  Migrations: MIGRATE_SCHEMA,
  'Command line': CLI_SCHEMA,
};

const INTRODUCTION = `# Configuration

API, worker and migrations read the environment only. They name every bad variable at once, and never a value. An empty variable counts as not set.

This page is made from the schemas in \`apps/*/src/config.ts\`: \`npm run build && node tools/dist/docs/configuration.js\`.`;

/**
 * The page that lists each variable once, formatted as the repository's documents are.
 * @throws {Error} naming a variable without a description
 */
export async function configurationPage(programs = PROGRAMS): Promise<string> {
  const sections = Object.entries(programs).map(([name, schema]) => `## ${name}\n\n${table(schema)}`);
  const options = await resolveConfig(CONFIGURATION_DOCUMENT);
  return format([INTRODUCTION, ...sections].join('\n\n'), { ...options, parser: 'markdown' });
}

function schemaOf(environment: z.ZodObject): EnvironmentSchema {
  return z.toJSONSchema(environment, { io: 'input', unrepresentable: 'any' }) as EnvironmentSchema;
}

function table({ properties = {}, required = [] }: EnvironmentSchema): string {
  const rows = Object.entries(properties).map(([name, schema]) => {
    if (!schema.description) throw new Error(`${name} has no description in the schema of its program.`);
    const initial = required.includes(name) ? 'required' : schema.default === undefined ? '–' : `\`${schema.default}\``;
    return [`\`${name}\``, initial, valuesOf(schema), schema.description];
  });
  return [['variable', 'default', 'values', 'meaning'], ['-', '-', '-', '-'], ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function valuesOf({ enum: choices, type, minimum, maximum }: VariableSchema): string {
  if (choices) return choices.map((choice) => `\`${String(choice)}\``).join(', ');
  if (type !== 'number' && type !== 'integer') return '';
  const bounds = maximum === undefined ? `from ${minimum}` : `${minimum} to ${maximum}`;
  return type === 'integer' ? `whole, ${bounds}` : bounds;
}

if (process.argv[1] === import.meta.filename) await writeFile(CONFIGURATION_DOCUMENT, await configurationPage());

export { applyMigrations, NO_FILTERS, readMigrations } from './migrations.js';
export { withSchemaEngine } from './schema-engine.js';

import { PrismaPg } from '@prisma/adapter-pg';
import { ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import type { ColumnType, SqlDriverAdapter, SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { PoolConfig } from 'pg';

/** Connection settings spelled out: beside a `connectionString`, pg would ignore the name of another database. */
function connectionSettings(databaseUrl: string): PoolConfig {
  const url = new URL(databaseUrl);
  return {
    host: url.hostname,
    port: Number(url.port || 5432),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    ...(url.searchParams.has('sslmode') ? { ssl: url.searchParams.get('sslmode') !== 'disable' } : {}),
  };
}

const CHAR = 18;
const CHAR_ARRAY = 1002;

/**
 * The adapter refuses PostgreSQL's internal "char", in which half of the catalogue is written. It passes through as an
 * array of it, which the catalogue never has, and gets its right name back in `nameCharacters`.
 */
const READABLE_AS: Readonly<Record<number, number>> = { [CHAR]: CHAR_ARRAY, 1003: 1009 };

function nameCharacters(types: readonly ColumnType[]): ColumnType[] {
  return types.map((type) => (type === ColumnTypeEnum.CharacterArray ? ColumnTypeEnum.Character : type));
}

/** A pool whose answers to questions about the catalogue the adapter understands. */
class CatalogPool extends pg.Pool {
  override query = (async (...args: Parameters<pg.Pool['query']>) => {
    const result = await (super.query(...args) as unknown as Promise<pg.QueryResult>);
    for (const field of result.fields ?? []) field.dataTypeID = READABLE_AS[field.dataTypeID] ?? field.dataTypeID;
    return result;
  }) as unknown as pg.Pool['query'];
}

/** Prisma's PostgreSQL adapter, made fit for migrations: it reads the catalogue, takes whole scripts, closes what was opened. */
export class MigrationAdapterFactory implements SqlMigrationAwareDriverAdapterFactory {
  readonly provider = 'postgres';
  readonly adapterName: string;
  private readonly settings: PoolConfig;
  private readonly open: SqlDriverAdapter[] = [];
  private readonly shadows: string[] = [];

  constructor(databaseUrl: string) {
    this.settings = connectionSettings(databaseUrl);
    this.adapterName = new PrismaPg(this.settings).adapterName;
  }

  async connect(): Promise<SqlDriverAdapter> {
    return this.openTo(this.settings);
  }

  async connectToShadowDb(): Promise<SqlDriverAdapter> {
    const database = `prisma_migrate_shadow_db_${randomUUID()}`;
    const connection = await this.connect();
    await connection.executeScript(`CREATE DATABASE "${database}"`);
    this.shadows.push(database);
    return this.openTo({ ...this.settings, database });
  }

  async close(): Promise<void> {
    await Promise.all(this.open.splice(0).map((adapter) => adapter.dispose()));
    const databases = this.shadows.splice(0);
    if (databases.length === 0) return;
    const connection = await this.connect();
    for (const database of databases) await connection.executeScript(`DROP DATABASE "${database}" WITH (FORCE)`);
    await connection.dispose();
  }

  /** The engine may dispose of an adapter itself; a pool must be ended only once. */
  private async openTo(settings: PoolConfig): Promise<SqlDriverAdapter> {
    const pool = new CatalogPool({ ...settings, max: 1 }); // the engine's advisory lock belongs to one connection
    const adapter = await new PrismaPg(pool, { disposeExternalPool: true }).connect();
    // The adapter's own cuts at every semicolon, in comments and function bodies too.
    adapter.executeScript = async (script) => {
      await pool.query(script);
    };
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query) => {
      const result = await queryRaw(query);
      return { ...result, columnTypes: nameCharacters(result.columnTypes) };
    };
    const dispose = adapter.dispose.bind(adapter);
    let disposed: Promise<void> | undefined;
    adapter.dispose = () => (disposed ??= dispose());
    this.open.push(adapter);
    return adapter;
  }
}

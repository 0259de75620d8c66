import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '#tools/stack/free-port.js';
import { startPart } from '#tools/stack/part-process.js';
import { untilReady } from '#tools/stack/readiness.js';
import { HttpClient } from '../http-client.js';
import type { BenchServices } from '../services.js';

export const FASTIFY_REFERENCE = 'Fastify + guarded UPDATE';

/** The bare service beside the API: same machine, same PostgreSQL, same load. */
export type FastifyReference = Readonly<{
  ids: readonly string[];
  client(connections: number): HttpClient;
  /** Everything can be resumed again. */
  reset(): Promise<void>;
  close(): Promise<void>;
}>;

/** Starts it with a table of so many operations, all cancelled. */
export async function startFastifyReference(services: BenchServices, operations: number): Promise<FastifyReference> {
  const databaseUrl = await services.newDatabase('fastify_reference');
  const database = new pg.Client({ connectionString: databaseUrl });
  database.on('error', () => undefined); // the server goes first when a run is interrupted
  await database.connect();
  services.onClose(() => database.end());
  const ids = Array.from({ length: operations }, (_, index) => `op_${index}`);
  await database.query('CREATE TABLE operations (id text PRIMARY KEY, status text NOT NULL, version int NOT NULL)');
  await database.query(`INSERT INTO operations SELECT id, 'cancelled', 1 FROM unnest($1::text[]) AS id`, [ids]);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await startPart({
    name: FASTIFY_REFERENCE,
    command: process.execPath,
    args: [join(import.meta.dirname, 'fastify-update.js')],
    logFile: services.logFile('fastify-reference'),
    env: { PATH: process.env['PATH'], REFERENCE_DATABASE_URL: databaseUrl, REFERENCE_PORT: `${port}` },
  });
  services.onClose(() => server.kill());
  const probe = async (): Promise<void> => {
    const reply = await fetch(`${url}/health`);
    if (!reply.ok) throw new Error(`/health answers ${reply.status}`);
  };
  await untilReady(server, { probe, deadlineMs: 15_000 });
  return {
    ids,
    client: (connections) => new HttpClient(url, 'none', connections),
    reset: async () => void (await database.query(`UPDATE operations SET status = 'cancelled'`)),
    async close() {
      await server.kill();
    },
  };
}

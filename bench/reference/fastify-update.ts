import fastify from 'fastify';
import pg from 'pg';

/**
 * The least that an HTTP service can do for the same promise: one guarded UPDATE … RETURNING a request. No tokens, no
 * checkpoint to verify, no history. A process of its own, as the API is.
 */
const { REFERENCE_DATABASE_URL, REFERENCE_PORT } = process.env;

const RESUME = `
  UPDATE operations SET status = 'resuming', version = version + 1
  WHERE id = $1 AND status = ANY(ARRAY['paused', 'cancelled', 'failed'])
  RETURNING id, status, version`;

// As many connections as the API has by default.
const pool = new pg.Pool({ connectionString: REFERENCE_DATABASE_URL, max: 16 });
const app = fastify();

app.get('/health', async () => {
  await pool.query('SELECT 1');
  return {};
});

app.post<{ Params: { id: string } }>('/operations/:id/resume', async ({ params: { id } }, reply) => {
  const { rows } = await pool.query<{ id: string; status: string }>({ name: 'resume', text: RESUME, values: [id] });
  const [row] = rows;
  if (row === undefined) return reply.status(409).send({ operation_id: id });
  return reply.status(202).send({ operation_id: id, status: row.status });
});

await app.listen({ host: '127.0.0.1', port: Number(REFERENCE_PORT) });

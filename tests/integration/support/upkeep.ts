import type { Http } from './http.js';

/**
 * Has the object store swept now. The API does so by itself a minute after it has started with a new database, and then
 * for an hour no more: so nothing is found, marked or removed while a test looks at what it has damaged.
 */
export async function sweepBeforehand(http: Http): Promise<void> {
  const { status, body } = await http.post('/checkpoints/cleanup', { dry_run: false });
  if (status !== 200) throw new Error(`not swept: ${JSON.stringify(body)}`);
}

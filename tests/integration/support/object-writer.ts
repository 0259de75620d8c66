/**
 * Writes one large object after another until it is killed, and says on stdout which it has finished: one key a line.
 * Each key ends with the SHA-256 of its object. Arguments: the store's directory, a name for the keys, bytes.
 */
import { createHash, randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { openObjectStore } from '@ktrdr/object-store';

const [root = '', name = '', bytes = ''] = process.argv.slice(2);
const store = openObjectStore(pathToFileURL(root).href);
for (;;) {
  const body = randomBytes(Number(bytes));
  const key = `${name}/${createHash('sha256').update(body).digest('hex')}`;
  await store.put(key, body);
  process.stdout.write(`${key}\n`);
}

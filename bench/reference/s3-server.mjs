// An S3 server in a process of its own, so that it does not compete with what is measured for one thread.
// `node s3-server.mjs DIRECTORY BUCKET` prints its port.
import { createRequire } from 'node:module';

const S3Server = createRequire(import.meta.url)('s3rver');
const [directory, bucket] = process.argv.slice(2);
const server = new S3Server({
  address: '127.0.0.1',
  port: 0,
  silent: true,
  directory,
  configureBuckets: [{ name: bucket }],
});
const { port } = await server.run();
process.stdout.write(`${port}\n`);

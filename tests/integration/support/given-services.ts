import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { keysFolder } from './nats-users.js';
import { S3_CREDENTIALS, startS3 } from './s3-server.js';

/** What one test file has to itself. */
export type Services = Readonly<{
  databaseUrl: string;
  natsUrl: string;
  natsCredsFile: string;
  natsSigningKeyFile: string;
  /** Makes workers of the pool `default`. */
  enrolToken: string;
  natsPrefix: string;
  /** A `file://` store in a folder of its own. */
  objectStoreUrl: string;
  /** That folder's neighbourhood: logs, worker folders, anything; removed at the end. */
  folder: string;
  /** An S3 bucket of its own, and the environment that opens it. */
  s3(): Promise<{ readonly url: string; readonly env: Readonly<Record<string, string>> }>;
  /** A connection to the database, to look at it past the service that wrote it. Closed at the end. */
  database(): Promise<pg.Client>;
  /** Runs before the rest is closed, last added first. */
  onClose(work: () => Promise<void>): void;
  close(): Promise<void>;
}>;

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run this file as an integration test (npm test).`);
  return value;
}

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: fromEnvironment('KTRDR_TEST_DATABASE_URL') });
  await client.connect();
  await client.query(statement);
  await client.end();
}

/** A bucket on the server that KTRDR_TEST_S3_URL names, else on one of this test file's own. */
async function givenBucket(folder: string, onClose: Services['onClose']) {
  const bucket = `test-${randomBytes(6).toString('hex')}`;
  const { KTRDR_TEST_S3_URL: given, KTRDR_TEST_S3_ACCESS_KEY_ID, KTRDR_TEST_S3_SECRET_ACCESS_KEY } = process.env;
  const { accessKeyId, secretAccessKey } = given
    ? { accessKeyId: KTRDR_TEST_S3_ACCESS_KEY_ID ?? '', secretAccessKey: KTRDR_TEST_S3_SECRET_ACCESS_KEY ?? '' }
    : S3_CREDENTIALS;
  let endpoint = given;
  if (endpoint) {
    const client = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    client.destroy();
  } else {
    const server = await startS3({ directory: join(folder, 's3'), bucket });
    onClose(() => server.close());
    endpoint = server.endpoint;
  }
  const env = { KTRDR_S3_ACCESS_KEY_ID: accessKeyId, KTRDR_S3_SECRET_ACCESS_KEY: secretAccessKey };
  return { url: `s3://${bucket}/checkpoints?endpoint=${endpoint}&force_path_style=true`, env };
}

/** Own database (a copy of the migrated template), NATS prefix and object store. Close it in `afterAll`. */
export async function givenServices(): Promise<Services> {
  const id = randomBytes(5).toString('hex');
  const database = `${fromEnvironment('KTRDR_TEST_TEMPLATE')}_${id}`;
  const natsUrl = fromEnvironment('KTRDR_TEST_NATS_URL');
  const keys = keysFolder();
  const natsPrefix = `t${id}`;
  const folder = await mkdtemp(join(tmpdir(), 'ktrdr-test-'));
  await onServer(`CREATE DATABASE "${database}" TEMPLATE "${fromEnvironment('KTRDR_TEST_TEMPLATE')}"`);
  const address = new URL(fromEnvironment('KTRDR_TEST_DATABASE_URL'));
  address.pathname = `/${database}`;
  const closing: (() => Promise<void>)[] = [];
  const onClose = (work: () => Promise<void>): void => void closing.unshift(work);
  let bucket: ReturnType<typeof givenBucket> | undefined;
  return {
    databaseUrl: address.href,
    natsUrl,
    natsCredsFile: join(keys, 'api.creds'),
    natsSigningKeyFile: join(keys, 'worker-signing.nk'),
    enrolToken: `enrol-${randomBytes(16).toString('hex')}`,
    natsPrefix,
    objectStoreUrl: pathToFileURL(join(folder, 'objects')).href,
    folder,
    onClose,
    s3: () => (bucket ??= givenBucket(folder, onClose)),
    async database() {
      const client = new pg.Client({ connectionString: address.href });
      client.on('error', () => undefined); // a test may take the server away
      await client.connect();
      onClose(() => client.end());
      return client;
    },
    async close() {
      const failures: unknown[] = [];
      const last = [
        () => onServer(`DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`),
        () => rm(folder, { recursive: true, force: true }),
      ];
      for (const work of [...closing.splice(0), ...last]) await work().catch((error: unknown) => failures.push(error));
      if (failures.length > 0)
        throw new AggregateError(failures, 'The services of this test file could not be closed.');
    },
  };
}

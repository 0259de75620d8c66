import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { inRepository } from '../../../tools/repository.js';
import { givenServices, type Services } from '../support/given-services.js';
import { httpOf } from '../support/http.js';
import { type RunningApi, startApi, startWorker } from '../support/processes.js';
import { smallSpec } from '../support/specs.js';
import { trainingOver } from '../support/training.js';

const run = promisify(execFile);
const INSTALL = ['ci', '--omit=dev', '--omit=optional', '--ignore-scripts', '--prefer-offline', '--loglevel=error'];

/** What a user's image holds of an app: its compiled code and its production packages, in a folder of their own. */
async function install(app: string, services: Services): Promise<string> {
  const folder = join(services.folder, 'installed', app);
  await mkdir(folder, { recursive: true });
  await run(process.execPath, [inRepository('tools', 'build', 'lay-out-app.mjs'), app, folder]);
  const { NODE_OPTIONS: _ours, ...env } = process.env;
  await run('npm', [...INSTALL, '--workspace', `@ktrdr/${app}`], { cwd: folder, env });
  return folder;
}

describe('each app with its production modules alone', () => {
  let services: Services;
  let api: RunningApi | undefined;
  beforeAll(async () => {
    services = await givenServices();
  });
  afterAll(() => services.close());

  it('brings an empty database to the schema', async () => {
    const folder = await install('migrate', services);
    const database = await services.database();
    await database.query('CREATE DATABASE "empty_of_migrate" TEMPLATE template0');
    try {
      const url = new URL(services.databaseUrl);
      url.pathname = '/empty_of_migrate';
      const main = join(folder, 'apps', 'migrate', 'dist', 'main.js');
      const env = { ...process.env, NODE_OPTIONS: '', KTRDR_DATABASE_URL: url.href };
      const { stdout } = await run(process.execPath, [main], { env, cwd: '/' });
      const migrations = await readdir(inRepository('prisma', 'migrations'), { withFileTypes: true });
      const folders = migrations.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).toSorted();
      expect(stdout).toBe(folders.map((name) => `applied ${name}\n`).join(''));
      expect((await run(process.execPath, [main], { env, cwd: '/' })).stdout).toBe('the database is up to date\n');
      const client = new pg.Client({ connectionString: url.href });
      await client.connect();
      expect((await client.query('SELECT count(*)::int AS count FROM operations')).rows).toEqual([{ count: 0 }]);
      await client.end();
    } finally {
      await database.query('DROP DATABASE "empty_of_migrate" WITH (FORCE)');
    }
  });

  it('serves the API', async () => {
    const folder = await install('api', services);
    api = await startApi(services, { program: [join(folder, 'apps', 'api', 'dist', 'main.js')] });
    expect((await fetch(`${api.url}/docs`)).status).toBe(200);
  });

  it('registers a worker, which trains', async () => {
    const folder = await install('training-worker', services);
    const main = join(folder, 'apps', 'training-worker', 'dist', 'main.js');
    if (!api) throw new Error('the API did not start');
    await startWorker(services, { api, id: 'w1', program: [main] });
    const training = trainingOver(httpOf(api));
    await training.completed(await training.submit({ spec: smallSpec() }));
  });

  it('runs the command line', async () => {
    const folder = await install('cli', services);
    if (!api) throw new Error('the API did not start');
    const env = { ...process.env, NODE_OPTIONS: '', KTRDR_API_URL: api.url, KTRDR_API_TOKEN: api.token };
    const main = join(folder, 'apps', 'cli', 'bin', 'run.js');
    const { stdout } = await run(process.execPath, [main, 'workers', '--json'], { env, cwd: '/' });
    expect(JSON.parse(stdout)).toMatchObject({ items: [{ worker_id: 'w1' }] });
  });
});

import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { GenericContainer, Wait } from 'testcontainers';
import { scratchFolder, testKeys, type TestService } from './embedded.js';

const run = promisify(execFile);
const PORT = 4222;

/** Whether a container engine answers, and soon; in words for the line that a run prints. */
export async function askEngine(): Promise<{ readonly answers: boolean; readonly why: string }> {
  try {
    const { stdout } = await run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeout: 3_000 });
    if (stdout.trim() !== '') return { answers: true, why: `Docker ${stdout.trim()} answers` };
    return { answers: false, why: 'docker is installed, but no engine answers it' };
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return {
      answers: false,
      why: isMissing ? 'docker is not installed' : 'docker is installed, but no engine answers it',
    };
  }
}

/** PostgreSQL in a container, for one run of the tests. */
export async function containerPostgres(): Promise<TestService> {
  const container = await new GenericContainer('postgres:18-alpine')
    .withEnvironment({ POSTGRES_USER: 'ktrdr', POSTGRES_PASSWORD: 'test' })
    .withCommand(['postgres', '-c', 'fsync=off', '-c', 'max_connections=200'])
    .withExposedPorts(5432)
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .start();
  return {
    url: `postgresql://ktrdr:test@${container.getHost()}:${container.getMappedPort(5432)}/postgres`,
    origin: 'container',
    pids: [],
    close: async () => void (await container.stop()),
  };
}

/** NATS in a container, for one run of the tests. */
export async function containerNats(): Promise<TestService> {
  const folder = await scratchFolder('nats');
  const keys = await testKeys(folder);
  const content = keys.config(PORT).replace('127.0.0.1', '0.0.0.0');
  const container = await new GenericContainer('nats:2-alpine')
    .withCopyContentToContainer([{ content, target: '/etc/nats/ktrdr.conf' }])
    .withCommand(['-c', '/etc/nats/ktrdr.conf'])
    .withExposedPorts(PORT)
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
    .start();
  return {
    url: `nats://${container.getHost()}:${container.getMappedPort(PORT)}`,
    keys: folder,
    origin: 'container',
    pids: [],
    folder,
    close: async () => {
      await container.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

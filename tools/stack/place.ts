import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { freePort, isPortFree } from './free-port.js';

/** Folders of one data directory. */
export type Place = Readonly<{
  dataDir: string;
  postgres: string;
  objects: string;
  logs: string;
  secrets: string;
  workerDir(id: string): string;
  log(name: string): string;
}>;

/** Makes the folders of a data directory. */
export async function layOut(dataDir: string): Promise<Place> {
  const place: Place = {
    dataDir,
    postgres: join(dataDir, 'postgres'),
    objects: join(dataDir, 'objects'),
    logs: join(dataDir, 'logs'),
    secrets: join(dataDir, 'secrets'),
    workerDir: (id) => join(dataDir, 'workers', id),
    log: (name) => join(dataDir, 'logs', `${name}.log`),
  };
  await mkdir(dataDir, { recursive: true });
  for (const folder of [place.objects, place.logs, join(dataDir, 'workers')]) await mkdir(folder, { recursive: true });
  await mkdir(place.secrets, { recursive: true, mode: 0o700 });
  await chmod(place.secrets, 0o700);
  return place;
}

/** A secret kept in the data directory, readable by its owner only; made when there is none. */
export async function secret({ secrets }: Place, name: string): Promise<string> {
  const path = join(secrets, name);
  const known = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (known !== '') return known;
  const made = randomBytes(24).toString('hex');
  await writeFile(path, `${made}\n`, { mode: 0o600 });
  return made;
}

/** Where `ktrdr` looks when it is not told otherwise. */
const USUAL_API_PORT = 8080;

/** Ports of one stack. */
export type Ports = Readonly<{ postgres: number; nats: number; api: number }>;

async function lastPorts(path: string): Promise<Partial<Ports>> {
  const text = await readFile(path, 'utf8').catch(() => '{}');
  try {
    return JSON.parse(text) as Partial<Ports>;
  } catch {
    return {};
  }
}

/**
 * The ports of last time where they are free, so that addresses survive a restart; that the API's is another one is told.
 * A wanted API port must be free.
 */
export async function choosePorts({ dataDir }: Place, apiPort: number, tell: (line: string) => void): Promise<Ports> {
  if (apiPort !== 0 && !(await isPortFree(apiPort))) {
    throw new Error(`Port ${apiPort} is in use. Stop what listens there, or choose another one with --port.`);
  }
  const path = join(dataDir, 'ports.json');
  const last = await lastPorts(path);
  const choose = async (port: number | undefined): Promise<number> =>
    port !== undefined && (await isPortFree(port)) ? port : freePort();
  const usual = last.api ?? USUAL_API_PORT;
  const ports = {
    postgres: await choose(last.postgres),
    nats: await choose(last.nats),
    api: apiPort === 0 ? await choose(usual) : apiPort,
  };
  if (apiPort === 0 && ports.api !== usual) tell(`port ${usual} is in use; the API is at ${ports.api}`);
  await writeFile(path, JSON.stringify(ports));
  return ports;
}

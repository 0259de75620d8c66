import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateSeeds, serverSetup, type ServerSeeds } from '@ktrdr/messaging-nats';

/** The keys of a NATS server in operator mode, and the files that are made of them. */
export type NatsKeys = Readonly<{
  seeds: ServerSeeds;
  /** For `KTRDR_NATS_CREDS_FILE` and `KTRDR_NATS_SIGNING_KEY_FILE`. */
  credsFile: string;
  signingKeyFile: string;
  /** What a server on this port of the loopback is configured with; the same keys count on each. */
  config(port: number): string;
}>;

async function knownSeeds(path: string): Promise<ServerSeeds> {
  const text = await readFile(path, 'utf8').catch(() => '');
  if (text !== '') return JSON.parse(text) as ServerSeeds;
  const seeds = generateSeeds();
  await writeFile(path, JSON.stringify(seeds), { mode: 0o600 });
  return seeds;
}

/** Keys that are kept in this folder, readable by its owner only; made when there are none. */
export async function natsKeys(folder: string, prefix: string): Promise<NatsKeys> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const seeds = await knownSeeds(join(folder, 'nats-seeds.json'));
  const setupFor = (port: number) =>
    serverSetup(seeds, { listen: `127.0.0.1:${port}`, prefix, issuedAt: Math.floor(Date.now() / 1000) });
  const [credsFile, signingKeyFile] = [join(folder, 'api.creds'), join(folder, 'worker-signing.nk')];
  await writeFile(credsFile, setupFor(0).apiCreds, { mode: 0o600 });
  await writeFile(signingKeyFile, `${seeds.workerSigning}\n`, { mode: 0o600 });
  return { seeds, credsFile, signingKeyFile, config: (port) => setupFor(port).config };
}

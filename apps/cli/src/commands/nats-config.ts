import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ServerSeeds } from '@ktrdr/messaging-nats';
import { Args, Flags } from '@oclif/core';
import { ApiCommand } from './api-command.js';
import { UsageError } from '../errors/errors.js';
import { asWriteError, codeOfFileError, reasonOfFileError } from '../transfer/local-files.js';
import { makeFolder } from '../transfer/local-files.js';
import type { Block } from '../render/words/parts.js';

const OWNER_ONLY = 0o600;

/** Named as the parts of the product look for them. */
const NATS_FILES = {
  config: 'nats.conf',
  creds: 'api.creds',
  signingKey: 'worker-signing.nk',
  seeds: 'nats-seeds.json',
} as const;

export default class NatsConfig extends ApiCommand {
  static override args = { dir: Args.string({ description: 'folder for the files', required: true }) };
  static override summary = 'write the configuration of a NATS server, with the keys of the API and of its workers';
  static override examples = [
    '<%= config.bin %> nats-config nats --listen 0.0.0.0:4222',
    '<%= config.bin %> nats-config nats-2 --rotate nats',
  ];
  /** It asks no API. */
  static override baseFlags = {} as typeof ApiCommand.baseFlags;
  static override flags = {
    listen: Flags.string({ description: 'address and port of the server', default: '0.0.0.0:4222' }),
    rotate: Flags.string({
      description: 'folder of the present files: the same keys, and a new one for the tokens of workers',
      helpValue: 'DIR',
    }),
    prefix: Flags.string({ description: 'KTRDR_NATS_PREFIX of the API and the workers; * for any', default: 'ktrdr' }),
  };

  async run(): Promise<{ readonly folder: string; readonly files: readonly string[] }> {
    const { args, flags } = await this.parse(NatsConfig);
    if (!/^(\*|[a-z][a-z0-9_-]*)$/.test(flags.prefix))
      throw new UsageError(`--prefix ${flags.prefix} is not lower-case letters, digits, - and _, or *`);
    if (!/^\S*:\d{1,5}$/.test(flags.listen))
      throw new UsageError(`--listen ${flags.listen} is not an address with a port, such as 0.0.0.0:4222`);
    // Late: no other command needs it.
    const { generateSeeds, serverSetup, withNewSigningKey } = await import('@ktrdr/messaging-nats');
    const seeds =
      flags.rotate === undefined ? generateSeeds() : withNewSigningKey(await readSeeds(resolve(flags.rotate)));
    const issuedAt = Math.floor(Date.now() / 1000);
    const { config, apiCreds } = serverSetup(seeds, { listen: flags.listen, prefix: flags.prefix, issuedAt });
    const contents = {
      config,
      creds: apiCreds,
      signingKey: `${seeds.workerSigning}\n`,
      seeds: `${JSON.stringify(seeds, null, 2)}\n`,
    };
    const folder = resolve(args.dir);
    await assertNew(folder);
    for (const part of ['seeds', 'config', 'creds', 'signingKey'] as const)
      await write(join(folder, NATS_FILES[part]), contents[part]);
    this.show(renderFiles(folder));
    return { folder, files: Object.values(NATS_FILES) };
  }
}

/** @throws {UsageError} which shows nothing of the file */
async function readSeeds(folder: string): Promise<ServerSeeds> {
  const path = join(folder, NATS_FILES.seeds);
  const unusable = (reason: string): UsageError =>
    new UsageError(`${path} cannot be used: ${reason}. Give the folder that nats-config has written`, { path });
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unusable(reasonOfFileError(error));
  });
  const { serverSetup } = await import('@ktrdr/messaging-nats');
  try {
    const seeds = JSON.parse(text) as ServerSeeds;
    serverSetup(seeds, { listen: '', prefix: 'ktrdr', issuedAt: 0 });
    return seeds;
  } catch {
    throw unusable('it does not hold the keys of a deployment');
  }
}

/** Makes the folder, or sees that none of the files is in it. @throws {UsageError} */
async function assertNew(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (codeOfFileError(error) !== 'ENOENT') throw asWriteError(error, folder);
    return null;
  });
  if (names === null) return void (await makeFolder(folder));
  const known = Object.values(NATS_FILES).find((name) => names.includes(name));
  if (known === undefined) return;
  const path = join(folder, known);
  throw new UsageError(`${path} exists already, and new keys would lock out every worker. Give another folder`, {
    path,
  });
}

/** @throws {UsageError} */
async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { mode: OWNER_ONLY, flag: 'wx' });
  } catch (error) {
    throw asWriteError(error, path);
  }
}

/** The files, and where each belongs. */
function renderFiles(folder: string): Block {
  return {
    title: `Wrote ${folder}`,
    rows: [
      { label: NATS_FILES.config, value: 'to the server: nats-server -c nats.conf' },
      { label: NATS_FILES.creds, value: 'to the API alone: KTRDR_NATS_CREDS_FILE' },
      { label: NATS_FILES.signingKey, value: 'to the API alone: KTRDR_NATS_SIGNING_KEY_FILE' },
      { label: NATS_FILES.seeds, value: 'to a safe place: it can make credentials for anyone' },
    ],
  };
}

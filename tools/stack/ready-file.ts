import { rename, writeFile } from 'node:fs/promises';

/** What a program needs in order to use a running stack. */
export type ReadyFile = Readonly<{
  api_url: string;
  api_token: string;
  database_url: string;
  nats_url: string;
  nats_creds_file: string;
  nats_signing_key_file: string;
  enrol_token: string;
  object_store: string;
  data_dir: string;
  pids: Readonly<{ api: number; nats: number; postgres: number; workers: readonly number[] }>;
}>;

/** Appears whole: who sees the file can read it. It holds secrets, so nobody else may. */
export async function writeReadyFile(path: string, content: ReadyFile): Promise<void> {
  const aside = `${path}.${process.pid}.tmp`;
  await writeFile(aside, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  await rename(aside, path);
}

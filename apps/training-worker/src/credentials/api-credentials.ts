import { readFile } from 'node:fs/promises';
import { ApiClient } from '@ktrdr/api-client';
import type { WorkerConfig } from '../config.js';
import type { CredentialsApi } from './credential-keeper.js';
import { EnrolmentTokenUnreadableError } from './errors.js';

/** Of one try. */
const TIMEOUT_MS = 5_000;

/** Credentials over HTTP. The enrolment token is read when it is needed. */
export function apiCredentials({ apiUrl, enrolToken }: Pick<WorkerConfig, 'apiUrl' | 'enrolToken'>): CredentialsApi {
  const client = (token: string): ApiClient => new ApiClient({ url: apiUrl, token, timeoutMs: TIMEOUT_MS });
  return {
    enrol:
      enrolToken &&
      (async (nkey, workerId, signal) =>
        client(await read(enrolToken)).enrolWorker({ nkey, worker_id: workerId }, { signal })),
    renew: (nkey, proof, signal) => client('none').workerCredentials(nkey, proof, { signal }),
  };
}

/** @throws {EnrolmentTokenUnreadableError} */
async function read(token: NonNullable<WorkerConfig['enrolToken']>): Promise<string> {
  if ('text' in token) return token.text;
  let text: string;
  try {
    text = (await readFile(token.file, 'utf8')).trim();
  } catch (error) {
    throw new EnrolmentTokenUnreadableError(token.file, (error as NodeJS.ErrnoException).code ?? String(error));
  }
  if (/^[!-~]+$/.test(text)) return text;
  throw new EnrolmentTokenUnreadableError(token.file, 'it is empty, or more than one word');
}

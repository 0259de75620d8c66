import { readFileSync } from 'node:fs';
import { accountOf, Nkey, readCreds } from '@ktrdr/messaging-nats';

const ADVICE = 'ktrdr nats-config DIR writes it, beside the configuration of the server';

/** What the API is on NATS, and what it makes workers with. */
export interface NatsKeys {
  readonly user: { readonly jwt: string; readonly key: Nkey };
  readonly workerSigning: Nkey;
  /** Public key of the account that the API and its workers belong to. */
  readonly account: string;
}

interface Reading {
  /** Absent when something is wrong with them, or when they are not set. */
  readonly found?: NatsKeys;
  readonly problems: readonly string[];
}

/** Reads the files that the environment names. Problems tell the variable and the reason, never what a file holds. */
export function readNatsKeys(environment: Readonly<Record<string, string | undefined>>): Reading {
  const { KTRDR_NATS_CREDS_FILE: credsFile, KTRDR_NATS_SIGNING_KEY_FILE: signingFile } = environment;
  const problems: string[] = [];
  const read = <T>(name: string, path: string | undefined, parse: (text: string) => T): T | undefined => {
    if (path === undefined) return undefined; // told with the other variables
    try {
      return parse(readFileSync(path, 'utf8'));
    } catch (error) {
      problems.push(`${name}: ${reasonOf(error)}; ${ADVICE}`);
      return undefined;
    }
  };
  const user = read('KTRDR_NATS_CREDS_FILE', credsFile, (text) => {
    const { jwt, key } = readCreds(text);
    const account = accountOf(jwt);
    if (account === null) throw new RangeError('Its token names no account');
    return { jwt, key, account };
  });
  const workerSigning = read('KTRDR_NATS_SIGNING_KEY_FILE', signingFile, (text) => Nkey.fromSeed('account', text));
  if (!user || !workerSigning) return { problems };
  return { found: { user: { jwt: user.jwt, key: user.key }, account: user.account, workerSigning }, problems };
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  return code === undefined ? message : `the file cannot be read (${code})`;
}

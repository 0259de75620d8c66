import { NotLoggedInError } from '../errors/errors.js';
import { type Login, readLogin } from './login-file.js';

/** Where the embedded stack listens unless told otherwise. */
const DEFAULT_API_URL = 'http://127.0.0.1:8080';

/** JSON Schema of every variable that the command line reads, with what docs/CONFIGURATION.md says of it. */
export const ENVIRONMENT_SCHEMA = {
  properties: {
    KTRDR_API_URL: {
      type: 'string',
      default: DEFAULT_API_URL,
      description: 'address of the API; `--api-url` precedes it, the address of `ktrdr login` follows it',
    },
    KTRDR_API_TOKEN: {
      type: 'string',
      description: 'token for the API; `--api-token` precedes it, the token of `ktrdr login` follows it',
    },
  },
} as const;

/** What the command line says about the API. */
export interface ConnectionFlags {
  readonly 'api-url'?: string | undefined;
  readonly 'api-token'?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Flags before environment before login file. */
export async function resolveConnection(
  flags: ConnectionFlags,
  configDir: string,
  env = environment(),
): Promise<Login> {
  const givenUrl = flags['api-url'] ?? env['KTRDR_API_URL'];
  const givenToken = flags['api-token'] ?? env['KTRDR_API_TOKEN'];
  if (givenUrl && givenToken) return { url: givenUrl, token: givenToken };
  const login = await readLogin(configDir);
  const url = givenUrl ?? login?.url ?? DEFAULT_API_URL;
  if (givenToken) return { url, token: givenToken };
  if (!login) throw new NotLoggedInError('There is no API token');
  // A token is a secret between two: it does not go to an address that it was not stored for.
  if (!isSameAddress(url, login.url))
    throw new NotLoggedInError(`The stored token is for ${login.url}, not for ${url}`);
  return { url, token: login.token };
}

/** The address to log in to. */
export function loginUrl(flag: string | undefined, env = environment()): string {
  return flag ?? env['KTRDR_API_URL'] ?? DEFAULT_API_URL;
}

/** The process's environment; an empty variable counts as unset. */
function environment(): Environment {
  return Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));
}

function isSameAddress(a: string, b: string): boolean {
  const [left, right] = [a, b].map((url) => URL.parse(url)?.href.replace(/\/$/, '') ?? url);
  return left === right;
}

import { signNatsJwt } from './nats-jwt.js';
import { Nkey } from './nkey.js';

/** Keys of one deployment, as text. Operator and account stay where the configuration is made. */
export interface ServerSeeds {
  readonly operator: string;
  readonly systemAccount: string;
  readonly account: string;
  /** The only one that the API needs: it issues workers' tokens. */
  readonly workerSigning: string;
  /** The one before, whose tokens still count. */
  readonly formerWorkerSigning?: string;
  readonly api: string;
}

export interface ServerSetup {
  /** For `nats-server -c`. Holds no secret. */
  readonly config: string;
  /** The API's own credentials, in NATS' creds format. */
  readonly apiCreds: string;
  /** Public key of the account, which workers' tokens name. */
  readonly account: string;
}

const UNLIMITED = { subs: -1, data: -1, payload: -1 };
const ACCOUNT_LIMITS = { ...UNLIMITED, imports: -1, exports: -1, conn: -1, leaf: -1, wildcards: true };
/** A worker has one inbox, one control subject, one pool's hints; the rest is room. */
const WORKER_SUBSCRIPTIONS = 16;
const WORKER_PAYLOAD_BYTES = 1_048_576;

export function generateSeeds(): ServerSeeds {
  return {
    operator: Nkey.generate('operator').seed,
    systemAccount: Nkey.generate('account').seed,
    account: Nkey.generate('account').seed,
    workerSigning: Nkey.generate('account').seed,
    api: Nkey.generate('user').seed,
  };
}

/** The same deployment with another key that issues workers' tokens. Those of the present one count on beside it. */
export function withNewSigningKey(seeds: ServerSeeds): ServerSeeds {
  return {
    ...seeds,
    workerSigning: Nkey.generate('account').seed,
    formerWorkerSigning: seeds.workerSigning,
  };
}

/** What a worker may do. NATS fills in its key and its pool. */
function workerScope(prefix: string, signingKey: string) {
  return {
    kind: 'user_scope',
    key: signingKey,
    role: 'worker',
    template: {
      pub: { allow: [`${prefix}.rpc.{{subject()}}.*`] },
      sub: {
        allow: ['_INBOX.{{subject()}}.>', `${prefix}.control.{{subject()}}`, `${prefix}.work.{{tag(pool)}}`],
      },
      subs: WORKER_SUBSCRIPTIONS,
      data: -1,
      payload: WORKER_PAYLOAD_BYTES,
      allowed_connection_types: ['STANDARD'],
    },
  };
}

function apiPermissions(prefix: string) {
  return {
    pub: { allow: [`${prefix}.work.*`, `${prefix}.control.*`, `${prefix}.recorded`, '_INBOX.>'] },
    sub: { allow: [`${prefix}.rpc.*.* api`, `${prefix}.recorded`, '_API.>'] },
  };
}

/**
 * The configuration of a nats-server in operator mode, for these keys: the same keys give the same rights at any time.
 * @param listen address and port.
 * @param issuedAt from the epoch, in seconds.
 */
export function serverSetup(
  seeds: ServerSeeds,
  { listen, prefix, issuedAt }: { readonly listen: string; readonly prefix: string; readonly issuedAt: number },
): ServerSetup {
  const operator = Nkey.fromSeed('operator', seeds.operator);
  const system = Nkey.fromSeed('account', seeds.systemAccount).publicKey;
  const account = Nkey.fromSeed('account', seeds.account);
  const signing = [seeds.workerSigning, ...(seeds.formerWorkerSigning ? [seeds.formerWorkerSigning] : [])];
  const api = Nkey.fromSeed('user', seeds.api);
  const sign = (
    subject: string,
    name: string,
    nats: Readonly<Record<string, unknown>>,
    { issuer, at = issuedAt }: { readonly issuer: Nkey; readonly at?: number },
  ): string => signNatsJwt({ subject, name, issuedAt: at, expiresAt: null, nats }, issuer);

  // A server that reloads its configuration refuses another token of its operator, be it only of another time.
  const always = { issuer: operator, at: 0 };
  const operatorJwt = sign(operator.publicKey, 'ktrdr', { type: 'operator', system_account: system }, always);
  const systemJwt = sign(system, 'SYS', { type: 'account', limits: ACCOUNT_LIMITS }, always);
  const scopes = signing.map((seed) => workerScope(prefix, Nkey.fromSeed('account', seed).publicKey));
  const accountClaims = { type: 'account', limits: ACCOUNT_LIMITS, signing_keys: scopes };
  const accountJwt = sign(account.publicKey, 'KTRDR', accountClaims, { issuer: operator });
  const apiClaims = { type: 'user', ...UNLIMITED, ...apiPermissions(prefix) };
  const apiJwt = sign(api.publicKey, 'api', apiClaims, { issuer: account });
  return {
    config: [
      `listen: ${JSON.stringify(listen)}`,
      `operator: ${operatorJwt}`,
      `system_account: ${system}`,
      'resolver: MEMORY',
      'resolver_preload: {',
      `  ${system}: ${systemJwt}`,
      `  ${account.publicKey}: ${accountJwt}`,
      '}',
      '',
    ].join('\n'),
    apiCreds: toCreds(apiJwt, seeds.api),
    account: account.publicKey,
  };
}

/** A token and its seed in one file, as NATS' own programs read it. */
export function toCreds(jwt: string, seed: string): string {
  return [
    '-----BEGIN NATS USER JWT-----',
    jwt,
    '------END NATS USER JWT------',
    '',
    '-----BEGIN USER NKEY SEED-----',
    seed,
    '------END USER NKEY SEED------',
    '',
  ].join('\n');
}

/** @throws {RangeError} when the text holds no token and seed. */
export function readCreds(text: string): { readonly jwt: string; readonly key: Nkey } {
  const jwt = /BEGIN NATS USER JWT-+\s+(\S+)/.exec(text)?.[1];
  const seed = /BEGIN USER NKEY SEED-+\s+(\S+)/.exec(text)?.[1];
  if (!jwt || !seed) throw new RangeError('This is no NATS creds file: it lacks a user JWT or its seed');
  return { jwt, key: Nkey.fromSeed('user', seed) };
}

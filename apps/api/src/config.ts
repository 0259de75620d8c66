import { z } from 'zod';
import { BLOB_GRACE_HOURS } from '@ktrdr/checkpoint';
import { PoolName } from '@ktrdr/contracts';
import { inPlainWords } from '@ktrdr/specs';
import { DomainError } from '@ktrdr/errors';
import { objectStoreUrlProblem } from '@ktrdr/object-store';
import { type NatsKeys, readNatsKeys } from './nats-keys.js';

/** Every variable that the API reads, with what docs/CONFIGURATION.md says of it. */
export const Environment = z.object({
  KTRDR_DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://')
    .describe('PostgreSQL with the migrations applied: `postgresql://user:password@host:5432/database`'),
  KTRDR_DATABASE_CONNECTIONS: z.coerce
    .number()
    .int()
    .min(2)
    .max(200)
    .default(16)
    .describe('connections of this replica to PostgreSQL'),
  KTRDR_NATS_URL: z.string().min(1).describe('`nats://host:4222`; several are separated by commas'),
  KTRDR_NATS_CREDS_FILE: z.string().min(1).describe('credentials of the API on NATS; `ktrdr nats-config` writes them'),
  KTRDR_NATS_SIGNING_KEY_FILE: z
    .string()
    .min(1)
    .describe("key that signs the workers' JWTs; `ktrdr nats-config` writes it"),
  KTRDR_NATS_PREFIX: z
    .string()
    .regex(/^[a-z][a-z0-9_-]*$/, 'lower case letters, digits, - and _')
    .default('ktrdr')
    .describe('first part of every subject; deployments that share a NATS server differ in it'),
  KTRDR_OBJECT_STORE_URL: z
    .string()
    .min(1)
    .describe('[URL of the object store](../libs/object-store/README.md), the same for all replicas and workers'),
  KTRDR_S3_ACCESS_KEY_ID: z
    .string()
    .optional()
    .describe("credentials of an S3 store; without them the AWS SDK's usual sources apply"),
  KTRDR_S3_SECRET_ACCESS_KEY: z
    .string()
    .optional()
    .describe('belongs to `KTRDR_S3_ACCESS_KEY_ID`; set both or neither'),
  KTRDR_API_TOKEN: z
    .string()
    .min(16, 'at least 16 characters')
    .describe('bearer token of clients, at least 16 characters, the same for every replica'),
  KTRDR_ENROL_TOKEN: z
    .string()
    .regex(/^[!-~]{16,200}$/, '16 to 200 characters without spaces')
    .optional()
    .describe('enrols any number of workers while it is set; 16 to 200 characters'),
  KTRDR_ENROL_POOL: PoolName.default('default').describe('pool of the workers that `KTRDR_ENROL_TOKEN` enrols'),
  KTRDR_HTTP_HOST: z.string().default('127.0.0.1').describe('address to listen on; `0.0.0.0` is every address'),
  KTRDR_HTTP_PORT: z.coerce.number().int().min(0).max(65_535).default(8080).describe('port; 0 takes a free one'),
  KTRDR_LEASE_SECONDS: z.coerce
    .number()
    .min(0.5)
    .max(3600)
    .default(6)
    .describe('silence after which the operations of a worker go to other workers'),
  KTRDR_HEARTBEAT_SECONDS: z.coerce
    .number()
    .min(0.1)
    .max(600)
    .default(2)
    .describe('time between two heartbeats of a worker; at most half of the lease'),
  KTRDR_CANCEL_TIMEOUT_SECONDS: z.coerce
    .number()
    .min(1)
    .default(120)
    .describe('a cancel that no worker confirms within it is enforced, and the worker is fenced off'),
  KTRDR_PAUSE_TIMEOUT_SECONDS: z.coerce
    .number()
    .min(1)
    .default(300)
    .describe('a pause without a checkpoint within it is withdrawn with a warning, and training goes on'),
  KTRDR_PROCESS_TRAINERS: z
    .enum(['allow', 'deny'], 'allow or deny')
    .default('deny')
    .describe('`allow`: specs may name [programs of their own](../examples/trainers/README.md)'),
  KTRDR_ORPHAN_SWEEP_SECONDS: z.coerce
    .number()
    .min(1)
    .max(604_800)
    .default(3600)
    .describe('time between two searches for objects without a checkpoint and checkpoints without objects'),
  KTRDR_ORPHAN_GRACE_HOURS: z.coerce
    .number()
    .min(BLOB_GRACE_HOURS, `at least ${BLOB_GRACE_HOURS}, for workers reuse blobs that are younger`)
    .max(8760)
    .default(BLOB_GRACE_HOURS)
    .describe('age at which an object that no checkpoint names is deleted; workers reuse younger blobs'),
  KTRDR_REVERIFY_SECONDS: z.coerce
    .number()
    .min(1)
    .max(604_800)
    .default(300)
    .describe('time between two checkpoints whose every byte is hashed again; each at most once a day'),
  KTRDR_CHECKPOINT_MAX_AGE_DAYS: z.coerce
    .number()
    .min(1)
    .max(36_500)
    .optional()
    .describe('deletes older checkpoints that nothing needs, three days after their operation warned'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('pino level; stdout has one JSON line a fact'),
});

export interface ApiConfig {
  readonly databaseUrl: string;
  readonly databaseConnections: number;
  readonly nats: { readonly servers: string; readonly prefix: string } & NatsKeys;
  readonly objectStore: {
    readonly url: string;
    readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** The token that this deployment starts with; kept in the database by its hash only. */
  readonly bootstrapToken: string;
  /** Enrols workers of this pool without limit; null: each enrolment is made over HTTP. */
  readonly enrolment: { readonly token: string; readonly pool: string } | null;
  readonly http: { readonly host: string; readonly port: number };
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly cancelTimeoutMs: number;
  readonly pauseTimeoutMs: number;
  /** Whether operations may name programs of their own, which workers that allow it then run. */
  readonly allowsProcessTrainers: boolean;
  readonly orphanSweepMs: number;
  readonly orphanGraceMs: number;
  readonly reverifyMs: number;
  /** Older checkpoints go, where nothing else keeps them; null: age is no reason. */
  readonly checkpointMaxAgeMs: number | null;
  readonly logLevel: string;
}

/** The environment does not say what the API needs. */
export class ConfigurationError extends DomainError {
  readonly code = 'configuration-invalid';
  constructor(problems: readonly string[]) {
    super(`The API cannot start with this configuration:\n${problems.map((line) => `  ${line}`).join('\n')}`, {
      problems,
    });
  }
}

/** @throws {ConfigurationError} naming every bad variable at once, never a value */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): ApiConfig {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = Environment.safeParse(given, { error: inPlainWords });
  const keys = readNatsKeys(given);
  const problems = [
    ...(parsed.success ? [] : toProblems(parsed.error, given)),
    ...relationProblems(given),
    ...keys.problems,
  ];
  if (!parsed.success || problems.length > 0 || !keys.found) throw new ConfigurationError(problems);
  const { data } = parsed;
  const { KTRDR_S3_ACCESS_KEY_ID: accessKeyId, KTRDR_S3_SECRET_ACCESS_KEY: secretAccessKey } = data;
  return {
    databaseUrl: data.KTRDR_DATABASE_URL,
    databaseConnections: data.KTRDR_DATABASE_CONNECTIONS,
    nats: {
      servers: data.KTRDR_NATS_URL,
      prefix: data.KTRDR_NATS_PREFIX,
      ...keys.found,
    },
    objectStore: {
      url: data.KTRDR_OBJECT_STORE_URL,
      ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {}),
    },
    bootstrapToken: data.KTRDR_API_TOKEN,
    enrolment: data.KTRDR_ENROL_TOKEN ? { token: data.KTRDR_ENROL_TOKEN, pool: data.KTRDR_ENROL_POOL } : null,
    http: { host: data.KTRDR_HTTP_HOST, port: data.KTRDR_HTTP_PORT },
    leaseMs: data.KTRDR_LEASE_SECONDS * 1000,
    heartbeatMs: data.KTRDR_HEARTBEAT_SECONDS * 1000,
    cancelTimeoutMs: data.KTRDR_CANCEL_TIMEOUT_SECONDS * 1000,
    pauseTimeoutMs: data.KTRDR_PAUSE_TIMEOUT_SECONDS * 1000,
    allowsProcessTrainers: data.KTRDR_PROCESS_TRAINERS === 'allow',
    orphanSweepMs: data.KTRDR_ORPHAN_SWEEP_SECONDS * 1000,
    orphanGraceMs: data.KTRDR_ORPHAN_GRACE_HOURS * 3_600_000,
    reverifyMs: data.KTRDR_REVERIFY_SECONDS * 1000,
    checkpointMaxAgeMs: (data.KTRDR_CHECKPOINT_MAX_AGE_DAYS ?? 0) * 24 * 3_600_000 || null,
    logLevel: data.LOG_LEVEL,
  };
}

type Given = Readonly<Record<string, string | undefined>>;

function toProblems({ issues }: z.ZodError, given: Given): string[] {
  return issues.map(({ path, message }) => {
    const name = String(path[0]);
    return `${name}: ${given[name] === undefined ? 'is not set' : message}`;
  });
}

/** What is wrong with variables that are sound one by one, told whether or not the others are. */
function relationProblems(given: Given): string[] {
  const problems: string[] = [];
  if ((given['KTRDR_S3_ACCESS_KEY_ID'] === undefined) !== (given['KTRDR_S3_SECRET_ACCESS_KEY'] === undefined))
    problems.push('KTRDR_S3_ACCESS_KEY_ID, KTRDR_S3_SECRET_ACCESS_KEY: set both or neither');
  const { KTRDR_HEARTBEAT_SECONDS: beat, KTRDR_LEASE_SECONDS: lease } = Environment.shape;
  const heartbeat = beat.safeParse(given['KTRDR_HEARTBEAT_SECONDS']);
  const leaseTime = lease.safeParse(given['KTRDR_LEASE_SECONDS']);
  if (heartbeat.success && leaseTime.success && heartbeat.data * 2 > leaseTime.data)
    problems.push('KTRDR_HEARTBEAT_SECONDS: must be at most half of KTRDR_LEASE_SECONDS');
  const store = Environment.shape.KTRDR_OBJECT_STORE_URL.safeParse(given['KTRDR_OBJECT_STORE_URL']);
  const unusable = store.success ? objectStoreUrlProblem(store.data) : null;
  if (unusable !== null) problems.push(`KTRDR_OBJECT_STORE_URL: ${unusable}`);
  return problems;
}

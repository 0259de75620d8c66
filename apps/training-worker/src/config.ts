import { randomBytes } from 'node:crypto';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { WorkerId } from '@ktrdr/contracts';
import { inPlainWords } from '@ktrdr/specs';
import { DomainError } from '@ktrdr/errors';
import { objectStoreUrlProblem } from '@ktrdr/object-store';
import { z } from 'zod';
import type { ProbeAddress } from './probe/probe-server.js';
import type { ProcessTrainerSettings } from './trainers/programs/process-trainers.js';

/** Settings that cannot be used, all of them at once. */
export class WorkerConfigurationError extends DomainError {
  readonly code = 'configuration-invalid';
  constructor(readonly problems: readonly string[]) {
    super(`The worker cannot start: ${problems.join('; ')}. docs/CONFIGURATION.md lists every variable`, { problems });
  }
}

const Prefix = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, 'must be lower-case letters, digits, _ and -');
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const CommandLine = z.string().transform((text, context) => {
  const parsed = z.array(z.string().min(1)).min(1).safeParse(tryJson(text));
  if (parsed.success) return parsed.data;
  context.addIssue({ code: 'custom', message: 'must be a JSON array of strings, such as ["python3", "trainer.py"]' });
  return z.NEVER;
});

/** Every variable that the worker reads, with what docs/CONFIGURATION.md says of it. */
export const Environment = z.object({
  KTRDR_API_URL: z
    .string('is missing: the address of the API, such as http://localhost:8080')
    .regex(/^https?:\/\/[^\s]+$/, 'must begin with http:// or https://')
    .describe('address of the API, for enrolment and credentials'),
  KTRDR_ENROL_TOKEN: z
    .string()
    .regex(/^[!-~]+$/, 'must be one word')
    .optional()
    .describe('token of `ktrdr workers enrol`; the worker needs it until it is enrolled'),
  KTRDR_ENROL_TOKEN_FILE: z.string().min(1).optional().describe('file with that token; set one of the two'),
  KTRDR_NATS_URL: z
    .string()
    .min(1)
    .optional()
    .describe('`nats://host:4222`, several separated by commas; without it the API gives the address'),
  KTRDR_NATS_PREFIX: Prefix.default('ktrdr').describe('first part of every subject, as in the API'),
  KTRDR_OBJECT_STORE_URL: z
    .string('is missing: the URL of the object store, such as file:///folder')
    .min(1)
    .describe('[URL of the object store](../libs/object-store/README.md), the same as that of the API'),
  KTRDR_S3_ACCESS_KEY_ID: z
    .string()
    .min(1)
    .optional()
    .describe("credentials of an S3 store; without them the AWS SDK's usual sources apply"),
  KTRDR_S3_SECRET_ACCESS_KEY: z
    .string()
    .min(1)
    .optional()
    .describe('belongs to `KTRDR_S3_ACCESS_KEY_ID`; set both or neither'),
  KTRDR_WORKER_ID: WorkerId.optional().describe(
    'name in the list of workers; without it host, pid and a random part; an enrolled key keeps its name',
  ),
  KTRDR_WORKER_SLOTS: z.coerce.number().int().min(1).max(64).default(1).describe('operations at the same time'),
  KTRDR_WORKER_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('key, spool and events of one worker; without it a folder in the temporary directory'),
  KTRDR_WORKER_HTTP_PORT: z.coerce
    .number('must be a port, 1 to 65535')
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe('port of `/health/live`, `/health/ready` and `/metrics`; without it there is no probe'),
  KTRDR_WORKER_HTTP_HOST: z.string().min(1).default('127.0.0.1').describe('address of the probe'),
  KTRDR_DATA_ROOTS: z
    .string()
    .optional()
    .describe('folders that data files may be read from, separated by commas; without it the current directory'),
  KTRDR_SHUTDOWN_GRACE_SECONDS: z.coerce
    .number()
    .min(3)
    .max(3600)
    .default(30)
    .describe("time from SIGTERM to the trainer's end"),
  KTRDR_TRAINER_COMMAND: CommandLine.optional().describe(
    'JSON array with another program that speaks the trainer protocol; without it the TensorFlow.js trainer',
  ),
  KTRDR_PROCESS_TRAINERS: z
    .enum(['allow', 'deny'], 'must be allow or deny')
    .default('deny')
    .describe('`allow`: operations may bring [programs of their own](../examples/trainers/README.md)'),
  KTRDR_PROCESS_PROGRAMS: z
    .string()
    .optional()
    .describe('required with `allow`: names on the PATH, files and folders, separated by commas; `*` is any program'),
  KTRDR_PROCESS_DIR: z.string().min(1).default('.').describe('replaces `{program_dir}` in the commands of programs'),
  KTRDR_PROCESS_ENV: z
    .string()
    .regex(/^[A-Za-z_]\w*(\s*,\s*[A-Za-z_]\w*)*$/, 'must be names of variables with commas')
    .optional()
    .describe('names of variables that programs get besides the usual ones, separated by commas'),
  LOG_LEVEL: z
    .enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`)
    .default('info')
    .describe('pino level; stdout has one JSON line a fact'),
});

export interface WorkerConfig {
  readonly apiUrl: string;
  /** Enrols a key that the API does not know; null: none. */
  readonly enrolToken: { readonly text: string } | { readonly file: string } | null;
  /** `url` null: the address that the API gives. */
  readonly nats: { readonly url: string | null; readonly prefix: string };
  readonly objectStoreUrl: string;
  readonly s3Credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Its name when the API does not know it yet. */
  readonly workerId: string;
  /** Whether it may have no other name. */
  readonly isWorkerIdFixed: boolean;
  readonly slots: number;
  readonly folder: string;
  /** The address of the probe; null: no probe. */
  readonly probe: ProbeAddress | null;
  readonly dataRoots: readonly string[];
  readonly shutdownGraceMs: number;
  /** null: the TensorFlow.js trainer that comes with the worker. */
  readonly trainerCommand: readonly string[] | null;
  readonly trainerEnv: NodeJS.ProcessEnv;
  /** null: operations may not bring programs of their own. */
  readonly processTrainers: ProcessTrainerSettings | null;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

/** @throws WorkerConfigurationError naming every variable that is wrong, never its value. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): WorkerConfig {
  // An empty variable is how many tools write "not set".
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = Environment.safeParse(given, { error: inPlainWords });
  const issues = parsed.success ? [] : parsed.error.issues;
  const problems = [
    ...issues.map(({ path, message }) => `${path.map(String).join('.')} ${message}`),
    ...relationProblems(given),
  ];
  if (!parsed.success || problems.length > 0) throw new WorkerConfigurationError(problems);
  const { data } = parsed;
  const workerId = data.KTRDR_WORKER_ID ?? generateWorkerId();
  const { KTRDR_S3_ACCESS_KEY_ID: accessKeyId, KTRDR_S3_SECRET_ACCESS_KEY: secretAccessKey } = data;
  return {
    apiUrl: data.KTRDR_API_URL,
    enrolToken: toEnrolToken(data.KTRDR_ENROL_TOKEN, data.KTRDR_ENROL_TOKEN_FILE),
    nats: { url: data.KTRDR_NATS_URL ?? null, prefix: data.KTRDR_NATS_PREFIX },
    objectStoreUrl: data.KTRDR_OBJECT_STORE_URL,
    ...(accessKeyId && secretAccessKey ? { s3Credentials: { accessKeyId, secretAccessKey } } : {}),
    workerId,
    isWorkerIdFixed: data.KTRDR_WORKER_ID !== undefined,
    slots: data.KTRDR_WORKER_SLOTS,
    folder: resolve(data.KTRDR_WORKER_DIR ?? join(tmpdir(), `ktrdr-${workerId}`)),
    probe:
      data.KTRDR_WORKER_HTTP_PORT === undefined
        ? null
        : { host: data.KTRDR_WORKER_HTTP_HOST, port: data.KTRDR_WORKER_HTTP_PORT },
    dataRoots: toFolders(data.KTRDR_DATA_ROOTS),
    shutdownGraceMs: data.KTRDR_SHUTDOWN_GRACE_SECONDS * 1000,
    trainerCommand: data.KTRDR_TRAINER_COMMAND ?? null,
    trainerEnv: withoutSecrets(env),
    processTrainers:
      data.KTRDR_PROCESS_TRAINERS === 'allow'
        ? {
            programs: toList(data.KTRDR_PROCESS_PROGRAMS),
            programDir: resolve(data.KTRDR_PROCESS_DIR),
            passedVariables: toList(data.KTRDR_PROCESS_ENV),
            env,
          }
        : null,
    logLevel: data.LOG_LEVEL,
  };
}

/** Contradictions between variables, also when others are wrong on their own. */
function relationProblems(given: Readonly<Record<string, string | undefined>>): string[] {
  const problems: string[] = [];
  if ((given['KTRDR_S3_ACCESS_KEY_ID'] === undefined) !== (given['KTRDR_S3_SECRET_ACCESS_KEY'] === undefined))
    problems.push('KTRDR_S3_ACCESS_KEY_ID and KTRDR_S3_SECRET_ACCESS_KEY belong together: set both or neither');
  if (given['KTRDR_PROCESS_TRAINERS'] === 'allow' && toList(given['KTRDR_PROCESS_PROGRAMS']).length === 0)
    problems.push(
      'KTRDR_PROCESS_PROGRAMS is missing: programs and folders of programs that operations may run, with commas; * for any',
    );
  if (given['KTRDR_WORKER_POOL'] !== undefined)
    problems.push('KTRDR_WORKER_POOL cannot be set: the enrolment decides the pool (ktrdr workers enrol --pool)');
  if (given['KTRDR_ENROL_TOKEN'] !== undefined && given['KTRDR_ENROL_TOKEN_FILE'] !== undefined)
    problems.push('KTRDR_ENROL_TOKEN and KTRDR_ENROL_TOKEN_FILE exclude each other: set one of them');
  const url = given['KTRDR_OBJECT_STORE_URL'];
  const unusable = url === undefined ? null : objectStoreUrlProblem(url);
  if (unusable !== null) problems.push(`KTRDR_OBJECT_STORE_URL cannot be used: ${unusable}`);
  return problems;
}

function toEnrolToken(text: string | undefined, file: string | undefined): WorkerConfig['enrolToken'] {
  if (text !== undefined) return { text };
  return file === undefined ? null : { file };
}

function toFolders(list: string | undefined): string[] {
  return toList(list ?? '.').map((folder) => resolve(folder));
}

function toList(text: string | undefined): string[] {
  return (text ?? '').split(',').flatMap((entry) => entry.trim() || []);
}

/** A trainer reaches neither NATS nor the API nor the object store. */
function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(KTRDR_(NATS|S3|OBJECT_STORE|API|ENROL)|AWS_)/.test(name)),
  );
}

function generateWorkerId(): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9_-]/g, '-')
    .slice(0, 60);
  return `${host}-${process.pid}-${randomBytes(3).toString('hex')}`;
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

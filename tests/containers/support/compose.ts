import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { inRepository } from '../../../tools/repository.js';
import type { CommandResult } from '../../integration/support/command-line.js';

/** Runs a program; its exit code is an answer, not an error. */
function execute(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandResult> {
  const { NODE_OPTIONS: _ours, ...inherited } = process.env;
  return new Promise((resolve, reject) => {
    const options = { env: { ...inherited, ...env }, cwd: inRepository(), maxBuffer: 64 << 20 };
    execFile(command, args, options, (error, stdout, stderr) => {
      const code = error ? error.code : 0;
      if (typeof code === 'number') resolve({ code, stdout, stderr });
      else reject(error ?? new Error(`${command} did not end by itself`));
    });
  });
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run this with npm run test:containers.`);
  return value;
}

/** The engine's own command line; throws where it fails. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await execute(setting('KTRDR_TEST_DOCKER'), args, {});
  if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr.trim()}`);
  return stdout.trim();
}

/** Both streams of a container's log. */
export async function logsOf(container: string): Promise<string> {
  const { stdout, stderr } = await execute(setting('KTRDR_TEST_DOCKER'), ['logs', container], {});
  return stdout + stderr;
}

/** Image of ktrdr that is tested. */
export const image = (target: string): string => `ktrdr-${target}:${setting('KTRDR_TEST_TAG')}`;

export const isMissing = (baseImage: string): boolean =>
  setting('KTRDR_TEST_MISSING_IMAGES').split(' ').includes(baseImage);

const secret = (): string => randomBytes(16).toString('hex');

/** One project of the compose files in docker/, under a name of its own. */
export class Compose {
  readonly project = `ktrdrtest${randomBytes(4).toString('hex')}`;
  readonly token = secret();
  private readonly env: Readonly<Record<string, string>>;

  /** @param port first of ten ports on loopback for the replicas of the API. */
  constructor(
    private readonly files: readonly string[],
    { port, env = {} }: { readonly port: number; readonly env?: Readonly<Record<string, string>> },
  ) {
    this.env = {
      KTRDR_VERSION: setting('KTRDR_TEST_TAG'),
      KTRDR_API_TOKEN: this.token,
      KTRDR_ENROL_TOKEN: secret(),
      KTRDR_DATABASE_PASSWORD: secret(),
      KTRDR_S3_ACCESS_KEY_ID: 'ktrdrtest',
      KTRDR_S3_SECRET_ACCESS_KEY: secret(),
      KTRDR_API_PORTS: `127.0.0.1:${port}-${port + 9}`,
      ...env,
    };
  }

  /** Its exit code is an answer. */
  try(...args: readonly string[]): Promise<CommandResult> {
    const [command = '', ...first] = setting('KTRDR_TEST_COMPOSE').split(' ');
    const files = this.files.flatMap((file) => ['-f', inRepository('docker', file)]);
    return execute(command, [...first, '-p', this.project, ...files, ...args], this.env);
  }

  async run(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.try(...args);
    if (code !== 0) throw new Error(`compose ${args.join(' ')}: ${(stdout + stderr).trim().slice(-4_000)}`);
    return stdout;
  }

  /** Ids of the running containers of a service. */
  async containers(service: string): Promise<readonly string[]> {
    const labels = [`com.docker.compose.project=${this.project}`, `com.docker.compose.service=${service}`];
    const ids = await docker('ps', '-q', '--no-trunc', ...labels.flatMap((label) => ['--filter', `label=${label}`]));
    return ids.split('\n').filter((id) => id !== '');
  }

  /** `ktrdr` in the image of the command line. */
  ktrdr(...args: readonly string[]): Promise<CommandResult> {
    return this.try('run', '--rm', 'cli', ...args);
  }

  scale(workers: number): Promise<string> {
    return this.run('up', '-d', '--no-recreate', '--scale', `worker=${workers}`);
  }

  /** An address of one replica of the API. */
  async apiUrl(container: string): Promise<string> {
    const published = await docker('port', container, '8080/tcp');
    return `http://${published.split('\n')[0]}`;
  }

  async down(): Promise<void> {
    await this.run('down', '--volumes', '--remove-orphans', '--timeout', '30');
  }
}

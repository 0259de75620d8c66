import { spawn } from 'node:child_process';

/** What keeps the backend from being built, and what to do about it. */
export class CannotBuildError extends Error {}

export type Ended = Readonly<{ code: number | null; stdout: string; stderr: string }>;

/** Runs a program to its end. Rejects only when it cannot be started. */
export function run(command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => (output[stream] += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...output }));
  });
}

/** The last lines that a program wrote before it failed. */
export function lastWords({ stdout, stderr }: Ended): string {
  return (stderr.trim() || stdout.trim()).split('\n').slice(-5).join('\n');
}

/** Runs a program that must succeed. @throws {CannotBuildError} with what it was for, and its last words. */
export async function mustRun(what: string, ...call: Parameters<typeof run>): Promise<string> {
  const ended = await run(...call);
  if (ended.code !== 0) throw new CannotBuildError(`${what} failed:\n${lastWords(ended)}`);
  return ended.stdout;
}

/** Whether a program can be started and ends with success. */
async function succeeds(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  return run(command, args, { env }).then(
    ({ code }) => code === 0,
    () => false,
  );
}

const DEBIAN_PACKAGES = { 'g++': 'g++', python3: 'python3 python3-pip', pip: 'python3-pip' } as const;
export type Needed = keyof typeof DEBIAN_PACKAGES;

/** @throws {CannotBuildError} naming the first of these that is missing and the Debian package that has it. */
export async function demand(needed: readonly Needed[], env: NodeJS.ProcessEnv = process.env): Promise<void> {
  for (const program of needed) {
    const [command, args] = program === 'pip' ? ['python3', ['-m', 'pip', '--version']] : [program, ['--version']];
    const isThere = await succeeds(command, args, env);
    if (isThere) continue;
    const name = program === 'pip' ? 'pip (python3 -m pip)' : program;
    throw new CannotBuildError(
      `${name} is missing; install it (Debian, Ubuntu: apt-get install ${DEBIAN_PACKAGES[program]}) and run this again.`,
    );
  }
}

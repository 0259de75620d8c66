import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { inRepository } from '../../repository.js';

/** Where the commands go. */
export type Target = Readonly<{ apiUrl: string; apiToken: string }>;

type CommandOutcome = Readonly<{ exitCode: number | null; stdout: string; stderr: string }>;

/** Runs the real `ktrdr`, as a process of its own. */
async function ktrdr({ apiUrl, apiToken }: Target, args: readonly string[]): Promise<CommandOutcome> {
  const { NODE_OPTIONS: _ours, ...inherited } = process.env;
  const child = spawn(process.execPath, [inRepository('apps', 'cli', 'bin', 'run.js'), ...args], {
    cwd: inRepository(),
    env: { ...inherited, KTRDR_API_URL: apiUrl, KTRDR_API_TOKEN: apiToken },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [exitCode, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { exitCode, stdout, stderr };
}

/** Runs `ktrdr` and insists on success. */
export async function ktrdrOrFail(target: Target, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await ktrdr(target, args);
  if (exitCode === 0) return stdout;
  throw new Error(`ktrdr ${args.join(' ')} ended with exit code ${exitCode}:\n${(stderr + stdout).trim()}`);
}

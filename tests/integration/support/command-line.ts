import { execFile } from 'node:child_process';
import { inRepository } from '../../../tools/repository.js';
import type { RunningApi } from './processes.js';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real `ktrdr` against this API. */
export function ktrdr(api: Pick<RunningApi, 'url' | 'token'>, ...args: string[]): Promise<CommandResult> {
  const { NODE_OPTIONS: _ours, ...inherited } = process.env;
  const env = { ...inherited, NO_COLOR: '1', KTRDR_API_URL: api.url, KTRDR_API_TOKEN: api.token };
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [inRepository('apps', 'cli', 'bin', 'run.js'), ...args],
      { env, timeout: 30_000 },
      (error, stdout, stderr) => {
        const code = error ? error.code : 0;
        if (typeof code === 'number') resolve({ code, stdout, stderr });
        else reject(new Error(`ktrdr ${args.join(' ')} did not end by itself`, { cause: error }));
      },
    );
  });
}

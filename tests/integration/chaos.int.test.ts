import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { inRepository } from '../../tools/repository.js';

/** Runs the command as `npm run chaos` does; its report is on stdout, its progress on stderr. */
async function chaos(...args: readonly string[]) {
  const child = spawn(process.execPath, [inRepository('tools', 'dist', 'chaos', 'main.js'), ...args], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

describe('a deployment that is broken again and again', () => {
  it('keeps every invariant, and completes everything with the results of undisturbed runs', async () => {
    const { code, stdout, stderr } = await chaos('--minutes', '0.3', '--operations', '4', '--seed', 's2', '--json');
    // The output says which invariant was broken, with the history of what broke it.
    expect({ code, output: code === 0 ? '' : stderr }).toEqual({ code: 0, output: '' });
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      seed: 's2',
      violations: [],
      doubleRuns: 0,
      staleWrites: 0,
      weightsEqual: { count: 4, of: 4 },
      ledgersEqual: { count: 4, of: 4 },
    });
    expect(Object.keys(report.faults).length).toBeGreaterThan(2);
    expect(report.claimedElsewhereMs).toHaveLength(2);
  }, 480_000);

  it('is refused with what is possible when it is asked for nonsense', async () => {
    const { code, stderr } = await chaos('--minutes', 'many');
    expect(code).toBe(2);
    expect(stderr).toContain('--minutes must be a number');
  });
});

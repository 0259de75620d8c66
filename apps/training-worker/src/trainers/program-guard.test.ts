import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { withGuard } from './program-guard.js';

/** Says its process id, starts a child that says its own, and then never looks at anything again. */
const DEAF = `
  const { pid } = require('node:child_process').spawn('sleep', ['60'], { stdio: 'ignore' });
  require('node:fs').writeSync(1, process.pid + ' ' + pid + '\\n');
  for (;;);`;

function start(script: string) {
  const { command, args } = withGuard({ command: process.execPath, args: ['-e', script], env: {} });
  const child = spawn(command, args, {
    env: { ...process.env, NODE_OPTIONS: '' },
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit', 'pipe', 'pipe', 'pipe'],
  });
  const { stdio }: { readonly stdio: readonly unknown[] } = child;
  return { child, output: stdio[1] as Readable, guard: stdio[5] as Readable };
}

describe('the guard of a trainer', () => {
  it('ends a trainer that does not look, and what it has started, when the pipe is closed', async () => {
    const { child, output, guard } = start(DEAF);
    const [line] = (await once(output, 'data')) as [Buffer];
    const [trainer, grandchild] = line.toString().trim().split(' ').map(Number);
    expect(trainer).toBe(child.pid);
    guard.destroy();
    // Whoever holds its output open is still there.
    const [[code, signal]] = await Promise.all([once(child, 'exit'), once(output.resume(), 'close')]);
    expect([code, signal]).toEqual([null, 'SIGKILL']);
    await expectGone(grandchild ?? 0);
  });

  it('leaves the exit code of a trainer that ends by itself, and keeps none of its pipes open', async () => {
    const { child, output, guard } = start('process.exitCode = 7');
    const [[code]] = await Promise.all([once(child, 'exit'), once(output.resume(), 'close')]);
    expect(code).toBe(7);
    guard.destroy();
  });
});

/** A process that was killed is there until somebody has asked how it ended. */
async function expectGone(pid: number): Promise<void> {
  const { readFile } = await import('node:fs/promises');
  for (;;) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
    if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '#tools/stack/free-port.js';
import { type PartProcess, startPart } from '#tools/stack/part-process.js';
import { untilReady } from '#tools/stack/readiness.js';
import type { Figure } from '../figure.js';
import type { BenchServices } from '../services.js';

/** Names another checkout in the table, such as the commit before a change. */
export const CHECKOUT_REFERENCE = 'the other checkout';

const nodeOf = (checkout: string): string => join(checkout, 'node_modules', '.bin', 'node');

/** The stack of a checkout that is built, with one idle worker, as its own `npm run stack` starts it. */
export async function startStackOf(
  checkout: string,
  name: string,
  { logFile, folder, onClose }: Pick<BenchServices, 'logFile' | 'folder' | 'onClose'>,
): Promise<Readonly<{ apiPid: number }>> {
  const readyFile = join(folder, `${name}.json`);
  const places = ['--data-dir', join(folder, name), '--ready-file', readyFile, '--port', `${await freePort()}`];
  const stack: PartProcess = await startPart({
    name: `stack ${name}`,
    command: nodeOf(checkout),
    args: [join(checkout, 'tools', 'dist', 'stack', 'main.js'), '--workers', '1', ...places],
    logFile: logFile(`stack-${name}`),
    cwd: checkout,
  });
  onClose(() => stack.stop({ deadlineMs: 60_000 }));
  const ready = async () =>
    JSON.parse(await readFile(readyFile, 'utf8')) as { readonly pids: { readonly api: number } };
  await untilReady(stack, { probe: async () => void (await ready()), deadlineMs: 60_000 });
  return { apiPid: (await ready()).pids.api };
}

/** What a figure of a bench is in a checkout, measured by its own `npm run bench`. */
export async function figureOf(checkout: string, bench: string, figure: string): Promise<number> {
  const child = spawn(nodeOf(checkout), [join(checkout, 'bench', 'dist', 'main.js'), bench, '--json'], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const figures: Figure[] = [];
  for await (const line of createInterface({ input: child.stdout })) figures.push(JSON.parse(line) as Figure);
  const found = figures.find((each) => each.figure === figure);
  if (!found) throw new Error(`The bench ${bench} of ${checkout} does not say "${figure}".`);
  return found.value;
}

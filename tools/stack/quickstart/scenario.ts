import type { Stack } from '../stack.js';
import { compare } from './comparison.js';
import type { CompletedRun } from './comparison.js';
import { Follower } from './follow.js';
import { ktrdrOrFail } from './ktrdr-command.js';
import type { Target } from './ktrdr-command.js';

const SPEC = 'examples/strategies/sp500-direction.yaml';
const CANCEL_AT = 0.5;

type Say = (line: string) => void;

/** Shows the command as it would be typed, and what it said. */
async function typed(target: Target, say: Say, args: readonly string[]): Promise<string> {
  say(`$ ktrdr ${args.join(' ')}`);
  const output = await ktrdrOrFail(target, args);
  if (!args.includes('--json')) for (const line of output.trimEnd().split('\n')) say(`  ${line}`);
  return output;
}

async function start(target: Target, say: Say, name: string): Promise<Follower & { readonly id: string }> {
  const output = await typed(target, say, ['operations', 'start', SPEC, '--name', name, '--json']);
  const { operation_id: id } = JSON.parse(output) as { readonly operation_id: string };
  say(`  ${id}`);
  return Object.assign(new Follower(target, id, (line) => say(`  ${line}`)), { id });
}

async function trainUninterrupted(target: Target, say: Say): Promise<CompletedRun> {
  const follower = await start(target, say, 'quickstart-uninterrupted');
  const operation = await follower.until('completed', ({ status }) => status === 'completed');
  return { operation, workers: follower.workers };
}

async function stopWorker({ workers, ready }: Stack, id: string | undefined, say: Say): Promise<void> {
  const worker = workers.find(({ name }) => name === `worker ${id}`);
  if (worker === undefined) throw new Error(`The operation ran on ${id}, which is not a worker of ${ready.api_url}.`);
  say(`$ kill -TERM ${worker.pid}   # ${id}, so that another worker has to continue`);
  await worker.stop();
}

async function trainInterrupted(stack: Stack, target: Target, say: Say): Promise<CompletedRun> {
  const follower = await start(target, say, 'quickstart-interrupted');
  await follower.until('half-way', ({ progress }) => (progress?.fraction ?? 0) >= CANCEL_AT);
  await typed(target, say, ['operations', 'cancel', follower.id, '--wait']);
  await stopWorker(stack, follower.workers.at(-1), say);
  await typed(target, say, ['operations', 'resume', follower.id]);
  const operation = await follower.until('completed', ({ status }) => status === 'completed');
  return { operation, workers: follower.workers };
}

/** The main job, done twice: once in one go, once stopped half-way and continued elsewhere. True when they are equal. */
export async function runScenario(stack: Stack, say: Say): Promise<boolean> {
  const target = { apiUrl: stack.ready.api_url, apiToken: stack.ready.api_token };
  say('\n1. Train the S&P 500 strategy without interruption');
  const uninterrupted = await trainUninterrupted(target, say);
  say('\n2. Train it again, cancel half-way, stop that worker, resume on the other');
  const interrupted = await trainInterrupted(stack, target, say);
  const { isEqual, text } = compare(uninterrupted, interrupted);
  say(`\n3. Compare\n\n${text}\n`);
  if (new Set(interrupted.workers).size < 2) {
    throw new Error(
      `The interrupted run was to continue on another worker, but only ${interrupted.workers.join()} had it.`,
    );
  }
  return isEqual;
}

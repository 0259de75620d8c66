import { toMetricValue } from '@ktrdr/contracts';
import type { CheckpointPolicySpec } from '@ktrdr/specs';
import { CheckpointSaver, type Emit, type SaverPorts } from './checkpointing/checkpoint-saver.js';
import type { ControlQueue, StopControl } from './control-queue.js';
import { CheckpointWriteError } from './errors.js';
import { ProgressMeter } from './progress-meter.js';
import { BudgetPolicy } from './checkpointing/budget-policy.js';
import { CheckpointPolicy } from './checkpointing/checkpoint-policy.js';
import type { SavePolicy } from './checkpointing/save-policy.js';
import type { TrainingRun } from './training-run.js';

/** The loop's surroundings. */
export interface LoopPorts extends SaverPorts {
  readonly requests: ControlQueue;
  /** Lets the event loop deliver messages and finish writes; called between all steps. */
  readonly yieldToEventLoop: () => Promise<void>;
  /** Waits before the final save is tried again. */
  readonly pause: (ms: number) => Promise<void>;
}

export interface LoopPlan {
  readonly epochs: number;
  readonly checkpoint: CheckpointPolicySpec;
  readonly attempt: number;
}

export type LoopOutcome = 'completed' | 'stopped';

const FINAL_SAVE_RETRIES_MS = [500, 2_000, 8_000];

/**
 * Trains until the run is finished or stopped, one step at a time, so that every request is answered within one step.
 * A run that is finished completes, whatever was asked for in the meantime.
 * @throws {TrainingDivergedError} when the run does.
 * @throws {TrainerProtocolError} when the control channel broke.
 * @throws {CheckpointWriteError} when the final state cannot be written after several tries.
 */
export async function train(run: TrainingRun, plan: LoopPlan, ports: LoopPorts): Promise<LoopOutcome> {
  const saver = new CheckpointSaver(ports);
  try {
    return await loop(run, plan, ports, saver);
  } finally {
    await saver.drain();
  }
}

async function loop(run: TrainingRun, plan: LoopPlan, ports: LoopPorts, saver: CheckpointSaver): Promise<LoopOutcome> {
  const { requests, emit, now, yieldToEventLoop } = ports;
  const policy = savePolicyFor(plan.checkpoint, now);
  const meter = new ProgressMeter(now);
  for (;;) {
    await yieldToEventLoop();
    for (const id of requests.takeSettled()) settle(id, { saver, policy, emit });
    for (const request of requests.takeSaves()) void saver.save(run, request);
    if (run.isFinished) return await complete(run, plan, ports, saver);
    const { stop } = requests;
    if (stop && isAt(stop, run)) {
      if (await stopped(run, stop, ports, saver)) return 'stopped';
      continue;
    }
    if (policy.due && saver.isReady && (!run.isEpochDue || policy.isUrgent)) savePeriodically(run, plan, saver, policy);
    if (run.isEpochDue) {
      const isClosed = await closeEpoch(run, ports);
      policy.interrupted?.();
      if (!isClosed) continue;
    } else {
      const examples = run.step();
      policy.stepped?.(examples);
      meter.count(examples);
      reportProgress(run, plan, meter, emit);
    }
    policy.moved?.(run.position);
  }
}

function savePeriodically(run: TrainingRun, { attempt }: LoopPlan, saver: CheckpointSaver, policy: SavePolicy): void {
  const request_id = `periodic-${attempt}-${run.position.step}`;
  void saver.save(run, { request_id, kind: 'periodic' }).then((isWritten) => {
    if (!isWritten) policy.failed?.(request_id);
  });
  policy.saved(request_id, saver.lastStallMs);
}

function settle(id: string, { saver, policy, emit }: Settling): void {
  saver.settle(id);
  const event = policy.settled?.(id);
  if (event) emit(event);
}

interface Settling {
  readonly saver: CheckpointSaver;
  readonly policy: SavePolicy;
  readonly emit: Emit;
}

/** An epoch's boundary is before its first batch. After the last batch of all it is too late: the run completes. */
function isAt({ boundary }: StopControl, run: TrainingRun): boolean {
  if (run.isLastStepDone) return false;
  return boundary === 'step' || run.position.samples === 0;
}

/** False when it was interrupted by a stop that does not wait for the end of the epoch; nothing has changed then. */
async function closeEpoch(run: TrainingRun, { requests, emit, yieldToEventLoop }: LoopPorts): Promise<boolean> {
  const closed = await run.closeEpoch(async () => {
    await yieldToEventLoop();
    requests.check();
    return !requests.stop || !isAt(requests.stop, run);
  });
  if (!closed) return false;
  const { epoch, step, samples_sha256: _, batches: __, ...figures } = closed.record;
  const values = Object.entries(figures).flatMap(([name, value]) =>
    value === null ? [] : [[name, toMetricValue(value)] as const],
  );
  emit({ type: 'metrics', step, epoch, values: Object.fromEntries(values), best: closed.isBest });
  return true;
}

function reportProgress(run: TrainingRun, { epochs }: LoopPlan, meter: ProgressMeter, emit: Emit): void {
  if (!meter.isWorthTelling(run.isEpochDue)) return;
  const { step, epoch } = run.position;
  const loss = run.loss === null ? null : toMetricValue(run.loss);
  emit({ type: 'progress', step, epoch, steps: run.steps, epochs, loss, examples_per_second: meter.takeRate() });
}

/** False when the stop did not take effect: its save failed, or it was withdrawn while it was being saved. */
async function stopped(
  run: TrainingRun,
  stop: StopControl,
  ports: LoopPorts,
  saver: CheckpointSaver,
): Promise<boolean> {
  const { requests, emit, yieldToEventLoop } = ports;
  if (stop.save && !(await saver.save(run, stop.save))) {
    requests.dropStop(stop);
    return false;
  }
  await saver.drain();
  await ports.reach('stop.saved');
  await yieldToEventLoop();
  requests.check();
  if (requests.stop !== stop) return false;
  const { step, epoch } = run.position;
  emit({ type: 'stopped', step, epoch });
  return true;
}

async function complete(
  run: TrainingRun,
  plan: LoopPlan,
  ports: LoopPorts,
  saver: CheckpointSaver,
): Promise<LoopOutcome> {
  const { emit, yieldToEventLoop, pause, requests, spoolDir } = ports;
  const result = await run.result(async () => {
    await yieldToEventLoop();
    requests.check();
    return true;
  });
  for (
    let tries = 0;
    !(await saver.save(run, { request_id: `final-${plan.attempt}-${tries}`, kind: 'final' }));
    tries += 1
  ) {
    const wait = FINAL_SAVE_RETRIES_MS[tries];
    if (wait === undefined) throw new CheckpointWriteError(spoolDir, new Error('the final state could not be written'));
    await pause(wait);
  }
  await ports.reach('complete.saved');
  const { step, epoch } = run.position;
  emit({ type: 'completed', step, epoch, result: { ...result } });
  return 'completed';
}

/** @param now monotonic milliseconds. */
function savePolicyFor(spec: CheckpointPolicySpec, now: () => number): SavePolicy {
  const { overhead_budget: overheadBudget, max_loss_seconds: maxLossSeconds } = spec;
  return overheadBudget === undefined || maxLossSeconds === undefined
    ? new CheckpointPolicy(spec, now)
    : new BudgetPolicy({ overheadBudget, maxLossSeconds }, now);
}

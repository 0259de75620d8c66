import type { CheckpointingEvent, SavePolicy } from './save-policy.js';

/** What is promised: saving costs at most this fraction of the time, and never more than so much work is unsaved. */
export interface SaveBudget {
  readonly overheadBudget: number;
  readonly maxLossSeconds: number;
}

interface Flight {
  readonly requestId: string;
  readonly capturedAt: number;
  readonly stallMs: number;
  /** By how much the steps since then were slower than without a save, together. */
  slowdownMs: number;
}

/** More often than so many times in `maxLossSeconds` protects little more and only burdens the store. */
const MOST_SAVES_PER_LIMIT = 10;
/** The next save may take longer than those before. */
const SAVE_RESERVE = 2;
/** Of the limit, for what is not foreseen. */
const SLACK = 0.05;

/**
 * Saves as often as a budget allows. What a save costs is measured: the time that training stands still for it, and by
 * how much the steps between the copy and the commit are slower than the others, a sample. The next save waits until
 * all costs so far, and one more such cost, are within the budget of the time since the attempt began. Two bounds stand
 * above that: it comes so early that it can be committed before `maxLossSeconds` have passed since the state that was
 * saved last, even if that breaks the budget; and never sooner than a tenth of them. Nothing is known at the
 * beginning, so the first save comes after that tenth, and the second knows what the first has cost.
 */
export class BudgetPolicy implements SavePolicy {
  private readonly startedAt: number;
  private readonly maxLossMs: number;
  private lastCaptureAt: number;
  private previousCaptureAt: number;
  private mark: number;
  private flight: Flight | null = null;
  private spentMs = 0;
  private saves = 0;
  private readonly stall = new Smoothed(0.3);
  private readonly slowdown = new Smoothed(0.3);
  private readonly commitMs = new Smoothed(0.3);
  /** Milliseconds for a sample while nothing is being saved. */
  private readonly pace = new Smoothed(0.05);
  private readonly stepMs = new Smoothed(0.2);

  constructor(
    private readonly budget: SaveBudget,
    /** Monotonic milliseconds. */
    private readonly now: () => number,
  ) {
    this.startedAt = now();
    this.maxLossMs = budget.maxLossSeconds * 1000;
    this.lastCaptureAt = this.startedAt;
    this.previousCaptureAt = this.startedAt;
    this.mark = this.startedAt;
  }

  stepped(examples: number): void {
    const ms = this.turn();
    this.stepMs.add(ms);
    if (examples === 0) return;
    if (!this.flight) this.pace.add(ms / examples);
    else if (this.pace.value !== null) this.flight.slowdownMs += ms - examples * this.pace.value;
  }

  interrupted(): void {
    this.turn();
  }

  get due(): boolean {
    return this.flight === null && this.now() >= this.dueAt;
  }

  get isUrgent(): boolean {
    return this.now() >= this.latestAt;
  }

  saved(requestId: string, stallMs: number): void {
    this.previousCaptureAt = this.lastCaptureAt;
    this.lastCaptureAt = this.now();
    this.flight = { requestId, capturedAt: this.lastCaptureAt, stallMs, slowdownMs: 0 };
    this.turn();
  }

  failed(requestId: string): void {
    if (this.flight?.requestId !== requestId) return;
    this.spentMs += costOf(this.flight);
    this.flight = null;
    this.lastCaptureAt = this.previousCaptureAt; // what was to be protected is not
  }

  settled(requestId: string): CheckpointingEvent | null {
    const { flight } = this;
    if (flight?.requestId !== requestId) return null;
    this.flight = null;
    this.saves += 1;
    this.spentMs += costOf(flight);
    this.stall.add(flight.stallMs);
    this.slowdown.add(Math.max(0, flight.slowdownMs));
    this.commitMs.add(this.now() - flight.capturedAt);
    return this.report();
  }

  /** Milliseconds that one more save is expected to cost. */
  private get costMs(): number {
    return (this.stall.value ?? 0) + (this.slowdown.value ?? 0);
  }

  private get earliestAt(): number {
    return this.lastCaptureAt + this.maxLossMs / MOST_SAVES_PER_LIMIT;
  }

  /** So that the copy, the commit, and the step that the save may have to wait for, still fit into the limit. */
  private get latestAt(): number {
    const saveMs = (this.stall.value ?? 0) + (this.commitMs.value ?? 0);
    const reserve = SAVE_RESERVE * saveMs + 2 * (this.stepMs.value ?? 0);
    return this.lastCaptureAt + Math.max(0, this.maxLossMs * (1 - SLACK) - reserve);
  }

  private get affordableAt(): number {
    const { overheadBudget } = this.budget;
    const { costMs } = this;
    return Math.max(
      this.lastCaptureAt + costMs / overheadBudget,
      this.startedAt + (this.spentMs + costMs) / overheadBudget,
    );
  }

  private get dueAt(): number {
    return Math.min(this.latestAt, Math.max(this.earliestAt, this.affordableAt));
  }

  private report(): CheckpointingEvent {
    const { overheadBudget, maxLossSeconds } = this.budget;
    const { dueAt, latestAt, earliestAt, affordableAt, lastCaptureAt } = this;
    const trainedMs = this.now() - this.startedAt;
    return {
      type: 'checkpointing',
      overhead_budget: overheadBudget,
      max_loss_seconds: maxLossSeconds,
      interval_seconds: Math.max(0, dueAt - lastCaptureAt) / 1000,
      decided_by: dueAt === latestAt ? 'max-loss' : affordableAt > earliestAt ? 'budget' : 'most-often',
      stall_ms: this.stall.value ?? 0,
      background_ms: this.slowdown.value ?? 0,
      commit_seconds: (this.commitMs.value ?? 0) / 1000,
      saves: this.saves,
      cost_seconds: this.spentMs / 1000,
      trained_seconds: trainedMs / 1000,
    };
  }

  /** Milliseconds since the last time that was accounted for. */
  private turn(): number {
    const before = this.mark;
    this.mark = this.now();
    return this.mark - before;
  }
}

/** Steps that were faster than usual by chance pay nothing back. */
function costOf({ stallMs, slowdownMs }: Flight): number {
  return stallMs + Math.max(0, slowdownMs);
}

/** An exponentially smoothed figure; null before the first. */
class Smoothed {
  private smoothed: number | null = null;

  /** @param weight of the newest, above 0 and at most 1. */
  constructor(private readonly weight: number) {}

  add(value: number): void {
    this.smoothed = this.smoothed === null ? value : this.smoothed + this.weight * (value - this.smoothed);
  }

  get value(): number | null {
    return this.smoothed;
  }
}

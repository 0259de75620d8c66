import type { EventView, OperationView } from '@ktrdr/contracts';

/** What a watcher shows: the operation as last read, brought forward by the events since. */
export interface WatchView {
  readonly operation: OperationView;
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly steps: number;
  readonly loss: unknown;
  readonly validationLoss: unknown;
  readonly examplesPerSecond: number | null;
  readonly etaSeconds: number | null;
}

/** What an event meant for the view. `stale`: the operation's record has changed and must be read again. */
export type Effect = 'progress' | 'epoch' | 'nothing' | 'stale';

const WINDOW = 30;

/** Follows one operation's events. The record is the truth; events only move the figures forward between readings. */
export class WatchedOperation {
  private current: WatchView;
  private paces: { readonly step: number; readonly atMs: number }[] = [];
  private attempt: number;

  constructor(operation: OperationView) {
    this.attempt = operation.attempt;
    this.current = viewOf(operation);
  }

  get view(): WatchView {
    return this.current;
  }

  /** Takes over a fresh reading, without going back behind events of the same attempt. */
  replace(operation: OperationView): void {
    const fresh = viewOf(operation);
    const isBehind = operation.attempt === this.attempt && fresh.step <= this.current.step;
    if (operation.attempt !== this.attempt) this.paces = [];
    this.attempt = operation.attempt;
    const { loss, validationLoss, examplesPerSecond, etaSeconds } = this.current;
    this.current = isBehind
      ? { ...this.current, operation }
      : {
          ...fresh,
          loss: fresh.loss ?? loss,
          validationLoss: fresh.validationLoss ?? validationLoss,
          examplesPerSecond: fresh.examplesPerSecond ?? examplesPerSecond,
          etaSeconds: fresh.etaSeconds ?? etaSeconds,
        };
  }

  apply({ type, attempt, at, data }: EventView): Effect {
    if (type === 'log' || type === 'warning') return 'nothing';
    if (type !== 'progress' && type !== 'metrics') return 'stale';
    if (attempt < this.attempt) return 'nothing';
    const step = number(data['step']) ?? this.current.step;
    this.current = { ...this.current, step, epoch: number(data['epoch']) ?? this.current.epoch };
    if (type === 'metrics') return this.applyMetrics(data['values']);
    this.measurePace(step, Date.parse(at));
    this.current = {
      ...this.current,
      steps: number(data['steps']) ?? this.current.steps,
      epochs: number(data['epochs']) ?? this.current.epochs,
      loss: data['loss'] ?? this.current.loss,
      examplesPerSecond: number(data['examples_per_second']) ?? this.current.examplesPerSecond,
    };
    this.current = { ...this.current, etaSeconds: this.eta() ?? this.current.etaSeconds };
    return 'progress';
  }

  private applyMetrics(values: unknown): Effect {
    const metrics = (typeof values === 'object' && values !== null ? values : {}) as Readonly<Record<string, unknown>>;
    this.current = {
      ...this.current,
      loss: metrics['loss'] ?? this.current.loss,
      validationLoss: metrics['val_loss'] ?? this.current.validationLoss,
    };
    return 'epoch';
  }

  private measurePace(step: number, atMs: number): void {
    const last = this.paces.at(-1);
    if (last && (step < last.step || atMs < last.atMs)) this.paces = [];
    this.paces = [...this.paces, { step, atMs }].slice(-WINDOW);
  }

  /** From the pace of the last few events. */
  private eta(): number | null {
    const [first, last] = [this.paces[0], this.paces.at(-1)];
    if (!first || !last || last.step <= first.step || last.atMs - first.atMs < 500) return null;
    const secondsPerStep = (last.atMs - first.atMs) / 1000 / (last.step - first.step);
    return Math.max(0, this.current.steps - last.step) * secondsPerStep;
  }
}

function viewOf(operation: OperationView): WatchView {
  const { progress, metrics } = operation;
  return {
    operation,
    epoch: progress?.epoch ?? 0,
    epochs: progress?.epochs ?? 0,
    step: progress?.step ?? 0,
    steps: progress?.steps ?? 0,
    loss: metrics?.['loss'] ?? null,
    validationLoss: metrics?.['val_loss'] ?? null,
    examplesPerSecond: progress?.examples_per_second ?? null,
    etaSeconds: progress?.eta_seconds ?? null,
  };
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

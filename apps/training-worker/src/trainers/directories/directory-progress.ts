import { LARGEST_COUNT, type Metrics, type TrainerEvent } from '@ktrdr/contracts';
import type { Position } from '../ports.js';
import { DownsampledMetrics } from './downsampled-metrics.js';
import type { Reading } from './log-reader.js';

type Progress = Extract<TrainerEvent, { type: 'progress' }>;

const METRICS_PER_SECOND = 10;

/** The position and metrics of a program, from its output and its checkpoints. */
export class DirectoryProgress {
  private step: number;
  private epoch: number;
  private loss: Progress['loss'] = null;
  private latest: Metrics = {};
  /** Readings of earlier steps, for checkpoints that are found later. */
  private readonly earlier = new DownsampledMetrics();
  private metricsSent = 0;
  private metricsSince = -Infinity;
  private hasReportedOmission = false;
  private hasReportedExcess = false;

  constructor(
    from: Position,
    private totals: { readonly steps: number; readonly epochs: number },
    private readonly now: () => number = () => performance.now(),
  ) {
    this.step = from.step;
    this.epoch = from.epoch;
    this.remember();
  }

  get position(): Position {
    return { step: this.step, epoch: this.epoch };
  }

  /** Steps and epochs in total; 0: not known. */
  get of(): { readonly steps: number; readonly epochs: number } {
    return this.totals;
  }

  /** The events of a line of output. */
  read({ position: read, loss, examplesPerSecond, metrics }: Reading): TrainerEvent[] {
    const position = Object.fromEntries(
      Object.entries(read).filter(([, value]) => value <= LARGEST_COUNT),
    ) as typeof read;
    this.step = position.step ?? this.step;
    this.epoch = position.epoch ?? this.epoch;
    this.totals = {
      steps: this.totals.steps || (position.steps ?? 0),
      epochs: this.totals.epochs || (position.epochs ?? 0),
    };
    this.loss = loss ?? this.loss;
    this.latest = { ...this.latest, ...(loss === null ? {} : { loss }), ...metrics };
    this.remember();
    const progress: Progress = {
      type: 'progress',
      ...this.position,
      ...this.totals,
      loss: this.loss,
      examples_per_second: examplesPerSecond,
    };
    const excess = Object.keys(position).length < Object.keys(read).length ? this.excessEvent(read) : [];
    return [...excess, progress, ...(Object.keys(metrics).length > 0 ? this.metricsEvent(metrics) : [])];
  }

  /** A checkpoint is progress too, for a program that prints nothing. */
  reachedByCheckpoint(step: number): TrainerEvent[] {
    if (step <= this.step) return [];
    this.step = step;
    this.remember();
    return [{ type: 'progress', ...this.position, ...this.totals, loss: this.loss, examples_per_second: null }];
  }

  /** The newest reading up to a step. */
  at(step: number): { readonly epoch: number; readonly metrics: Metrics } {
    return this.earlier.at(step) ?? { epoch: 0, metrics: {} };
  }

  private remember(): void {
    this.earlier.add({ ...this.position, metrics: this.latest });
  }

  private excessEvent(position: Reading['position']): TrainerEvent[] {
    if (this.hasReportedExcess) return [];
    this.hasReportedExcess = true;
    const [name, value] = Object.entries(position).find(([, each]) => each > LARGEST_COUNT) ?? [];
    const message = `The program prints the ${name} ${value}; what is above ${LARGEST_COUNT} is not recorded`;
    return [{ type: 'warning', code: 'position-too-large', message }];
  }

  /** A line for each step can be thousands a second, which is denser than any curve needs. */
  private metricsEvent(values: Metrics): TrainerEvent[] {
    const now = this.now();
    if (now - this.metricsSince >= 1_000) {
      this.metricsSince = now;
      this.metricsSent = 0;
    }
    this.metricsSent += 1;
    if (this.metricsSent <= METRICS_PER_SECOND) return [{ type: 'metrics', ...this.position, values, best: false }];
    if (this.hasReportedOmission) return [];
    this.hasReportedOmission = true;
    const message = `The program prints metrics more than ${METRICS_PER_SECOND} times a second; of those that come faster only some are kept`;
    return [{ type: 'warning', code: 'metrics-thinned', message }];
  }
}

import type { TrainerControl, TrainerEvent } from '@ktrdr/contracts';
import type { Lease } from '../api-link/ports.js';

export interface Position {
  readonly step: number;
  readonly epoch: number;
}

export type TrainerReady = Extract<TrainerEvent, { type: 'ready' }>;

/** How a program ended. */
export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Last lines of stderr. */
  readonly stderrTail: readonly string[];
}

/** How a trainer process ended. */
export interface TrainerExit extends ProgramExit {
  /** Set when the trainer broke the protocol and was killed for it. */
  readonly violation: string | null;
}

export interface TrainerListener {
  onEvent(event: TrainerEvent): void;
  onLog(stream: 'stdout' | 'stderr', line: string): void;
  /** Comes last, and once. */
  onExit(exit: TrainerExit): void;
}

/** A started trainer that has no operation yet. */
export interface Trainer {
  readonly ready: TrainerReady;
  attach(listener: TrainerListener): void;
  /** Writing to a trainer that is gone does nothing; `onExit` reports its end. */
  send(control: TrainerControl): void;
  /** SIGKILL. */
  kill(): void;
}

/** The work that a trainer is taken for. */
export interface TrainerJob extends Lease {
  readonly spec: unknown;
  /** The attempt's own folder. */
  readonly folder: string;
  readonly dataFile: string | null;
  /** The checkpoint on this machine that it continues from. */
  readonly resume: { readonly dir: string; readonly step: number } | null;
}

/** The trainer that comes with the worker. */
export interface BuiltInTrainers {
  /** A trainer that is ready; a warm one if there is one. */
  take(job: TrainerJob): Promise<Trainer>;
  /** Makes sure that one idle trainer is warm. */
  refill(): void;
}

/** Trainers for every operation. */
export interface TrainerSource extends BuiltInTrainers {
  /** It has ended. */
  release(trainer: Trainer): void;
}

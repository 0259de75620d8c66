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

/** A checkpoint in a folder of this machine. */
export interface LocalCheckpoint extends Position {
  readonly dir: string;
}

/** The work that a trainer is taken for. */
export interface TrainerJob extends Lease {
  readonly spec: unknown;
  /** The attempt's own folder. */
  readonly folder: string;
  readonly dataFile: string | null;
  /** null: it begins at the beginning. */
  readonly resume: LocalCheckpoint | null;
}

/** Trainers for every operation. */
export interface TrainerSource {
  /** A trainer that is ready. */
  take(job: TrainerJob): Promise<Trainer>;
  /** Makes sure that one idle built-in trainer is warm. */
  refill(): void;
  /** It has ended. */
  release(trainer: Trainer): void;
}

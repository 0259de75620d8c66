import type { TrainerEvent } from '@ktrdr/contracts';

/** The event that reports the interval and its cost. */
export type CheckpointingEvent = Extract<TrainerEvent, { type: 'checkpointing' }>;

/** Decides when a periodic save is due. It has a method for each thing that it decides by. */
export interface SavePolicy {
  /** A step or the end of an epoch. */
  moved?(position: { readonly step: number; readonly epoch: number; readonly samples: number }): void;
  /** A step took from the last of these calls until now. */
  stepped?(examples: number): void;
  /** Something else than a step has taken its time. */
  interrupted?(): void;
  readonly due: boolean;
  /** It must not wait for the end of the epoch's validation. */
  readonly isUrgent: boolean;
  /** The state was copied out; training stood still for so long. */
  saved(requestId: string, stallMs: number): void;
  /** That save could not be written. */
  failed?(requestId: string): void;
  /** It was committed or given up. Returns an event to report, if any. */
  settled?(requestId: string): CheckpointingEvent | null;
}

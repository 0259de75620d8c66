import type { TrainerEvent } from '@ktrdr/contracts';

/** What the interval is and what it has cost, as the supervisor is told. */
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
  /** It was committed or given up. Returns what there is to tell. */
  settled?(requestId: string): CheckpointingEvent | null;
}

import { DataGenerationSpec, namesTrainer, ProcessTrainingSpec, TrainingSpec } from '@ktrdr/specs';
import type { z } from 'zod';

/** What is true of every operation of a type, or of those of a type that bring a program of their own. */
export interface OperationTraits {
  /** `backend`: the built-in trainer on a tensor backend. `worker`: the worker's own code. `program`: its own program. */
  readonly runsOn: 'backend' | 'worker' | 'program';
  /** Its schema, with defaults. */
  readonly spec: z.ZodType;
  /** What saves checkpoints can be paused and continued. `if-it-likes`: it may complete without one. */
  readonly savesCheckpoints: 'always' | 'if-it-likes' | 'never';
  readonly takesOverrides: boolean;
  /** What a worker must offer. */
  readonly requirements: readonly string[];
}

export const OPERATION_TYPES = ['training', 'data_generation'] as const;
type OperationType = (typeof OPERATION_TYPES)[number];

/** The registry: a type is what stands here. `own`: with a trainer of its own in its spec. */
const TRAITS: Readonly<Record<OperationType, OperationTraits & { readonly own?: OperationTraits }>> = {
  training: {
    runsOn: 'backend',
    spec: TrainingSpec,
    savesCheckpoints: 'always',
    takesOverrides: true,
    requirements: ['type:training'],
    own: {
      runsOn: 'program',
      spec: ProcessTrainingSpec,
      savesCheckpoints: 'if-it-likes',
      takesOverrides: false,
      requirements: ['type:training', 'trainer:process'],
    },
  },
  data_generation: {
    runsOn: 'worker',
    spec: DataGenerationSpec,
    savesCheckpoints: 'never',
    takesOverrides: false,
    requirements: ['type:data_generation'],
  },
};

/** Types whose operations end well only with a checkpoint, unless their spec brings a trainer of its own. */
export const CHECKPOINTED_TYPES = OPERATION_TYPES.filter((type) => TRAITS[type].savesCheckpoints === 'always');

/** Types that a program of one's own can run. */
export const PROGRAM_TYPES = OPERATION_TYPES.filter((type) => TRAITS[type].own !== undefined);

/** What an operation does: its type, and the document that says how. */
export interface Work {
  readonly type: string;
  readonly spec: unknown;
}

/** A type that this version does not know can do nothing special. */
export function traitsOf({ type, spec }: Work): Omit<OperationTraits, 'spec'> & { readonly spec: z.ZodType | null } {
  const known = OPERATION_TYPES.find((candidate) => candidate === type);
  if (!known)
    return {
      runsOn: 'worker',
      spec: null,
      savesCheckpoints: 'never',
      takesOverrides: false,
      requirements: [`type:${type}`],
    };
  const traits = TRAITS[known];
  return traits.own && namesTrainer(spec) ? traits.own : traits;
}

export function isPausable(work: Work): boolean {
  return traitsOf(work).savesCheckpoints !== 'never';
}

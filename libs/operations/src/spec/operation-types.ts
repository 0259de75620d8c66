/** What is true of every operation of a type, whatever its spec says. */
export interface OperationTypeTraits {
  /** It saves checkpoints, so it can be paused and continued. */
  readonly isPausable: boolean;
}

export const OPERATION_TYPES = ['training', 'data_generation'] as const;
export type OperationType = (typeof OPERATION_TYPES)[number];

const TRAITS: Readonly<Record<OperationType, OperationTypeTraits>> = {
  training: { isPausable: true },
  data_generation: { isPausable: false },
};

/** Types whose operations end well only with a checkpoint, unless their spec brings a trainer of its own. */
export const CHECKPOINTED_TYPES = OPERATION_TYPES.filter((type) => TRAITS[type].isPausable);

/** A type that this version does not know can do nothing special. */
export function traitsOf(type: string): OperationTypeTraits {
  const known = OPERATION_TYPES.find((candidate) => candidate === type);
  return known ? TRAITS[known] : { isPausable: false };
}

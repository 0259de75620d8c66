/** Why a checkpoint was made. */
export const CHECKPOINT_KINDS = [
  'periodic',
  'pause',
  'cancel',
  'shutdown',
  'failure',
  'best',
  'manual',
  'final',
] as const;

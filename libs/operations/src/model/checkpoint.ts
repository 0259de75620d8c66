/** A position in training: optimizer updates and full passes done so far, over the whole operation. */
export interface Position {
  readonly step: number;
  readonly epoch: number;
}

/** A figure as it can stand in JSON: what JSON has no number for travels as its name. */
export type Figure = number | 'NaN' | 'Infinity' | '-Infinity';

/** Where a state comes from: what must not differ for the same numbers. */
export interface Provenance {
  readonly dataFingerprint: string;
  readonly trainer: { readonly name: string; readonly version: string };
  readonly backend: { readonly name: string; readonly version: string };
}

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

/** A committed checkpoint. */
export interface Checkpoint extends Position {
  readonly id: string;
  readonly operationId: string;
  readonly attempt: number;
  readonly seq: number;
  readonly kind: string;
  readonly createdAt: Date;
  readonly manifestKey: string;
  readonly manifestSha256: string;
  readonly bytes: number;
  readonly files: readonly CheckpointFile[];
  readonly metrics: Readonly<Record<string, Figure>>;
  readonly isBest: boolean;
  readonly pinned: boolean;
  /** When it was last found damaged; null: it is not known to be. Every byte read again and found right lifts it. */
  readonly corruptedAt: Date | null;
  /** When every byte of it was last found right; null: not since it was committed. */
  readonly verifiedAt: Date | null;
  /** When a resume from an earlier step abandoned it; null: still current. */
  readonly supersededAt: Date | null;
  readonly parentId: string | null;
  readonly stallMs: number | null;
  readonly saveMs: number | null;
  readonly uploadedBytes: number | null;
}

export type CheckpointDraft = Omit<
  Checkpoint,
  'operationId' | 'attempt' | 'pinned' | 'corruptedAt' | 'verifiedAt' | 'supersededAt'
>;

/** The largest `integer` of PostgreSQL: no step, epoch or count is higher. */
export const LARGEST_COUNT = 2_147_483_647;

/** No blob has more bytes, so that a reader may hold any of them in memory. */
export const MAX_BLOB_BYTES = 64 * 1024 * 1024;

/** Bytes under their own hash in the object store. */
export interface StoredPart {
  readonly blob: string;
  readonly bytes: number;
}

/** A file of a checkpoint: whole in one blob, with its SHA-256, or in parts that follow each other, each under its own. */
export interface CheckpointFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256?: string | undefined;
  readonly blob?: string | undefined;
  readonly parts?: readonly StoredPart[] | undefined;
}

/** Where a file's bytes are, in their order. */
export function partsOf({ blob, bytes, parts }: CheckpointFile): readonly StoredPart[] {
  return parts ?? (blob === undefined ? [] : [{ blob, bytes }]);
}

/** `latest`, `best`, a step such as `step:1200`, or a checkpoint's id. */
export type CheckpointChoice = string;

const STEP = 'step:';

/** The step of a choice such as `step:1200`; null: it names none, or none that there can be. */
export function stepOf(choice: CheckpointChoice): number | null {
  const digits = choice.slice(STEP.length);
  if (!choice.startsWith(STEP) || !/^\d+$/.test(digits)) return null;
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : null;
}

/** False for what begins like a step and is none. */
export function isCheckpointChoice(text: string): text is CheckpointChoice {
  return !text.startsWith(STEP) || stepOf(text) !== null;
}

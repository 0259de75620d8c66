import { LARGEST_COUNT } from '@ktrdr/contracts';

const NAME = /^checkpoint-(\d+)$/;

/** An entry of a program's checkpoint directory. */
export interface PlaceEntry {
  readonly name: string;
  readonly kind: 'folder' | 'link' | 'other';
}

/** A program may write the step as it likes (`checkpoint-000005`), so the name is kept beside it. */
export interface CheckpointName {
  readonly step: number;
  readonly name: string;
}

/** A directory that cannot be a checkpoint, and a sentence for the program's author that says why. */
export interface Refusal {
  readonly step: number;
  readonly message: string;
}

/** The name of the directory that a program continues from. */
export function directoryName(step: number): string {
  return `checkpoint-${step}`;
}

/**
 * The checkpoint directories among these, newest first, and what has such a name and can be none. Of two names of one
 * step the shorter counts.
 */
export function checkpointsAmong(entries: readonly PlaceEntry[]): {
  readonly directories: readonly CheckpointName[];
  readonly refused: readonly Refusal[];
} {
  const directories: CheckpointName[] = [];
  const refused: Refusal[] = [];
  const refuse = (step: number, name: string, reason: string): void => {
    refused.push({ step, message: `${name} is passed over: ${reason}` });
  };
  const named = entries.flatMap(({ name, kind }) => {
    const [, digits] = NAME.exec(name) ?? [];
    return digits === undefined || kind === 'other' ? [] : [{ name, kind, step: Number(digits) }];
  });
  for (const { step, name, kind } of named.toSorted((a, b) => b.step - a.step || a.name.length - b.name.length)) {
    const before = directories.at(-1);
    if (kind === 'link') refuse(step, name, 'it is a link, and no directory of its own');
    else if (step > LARGEST_COUNT) refuse(step, name, `steps above ${LARGEST_COUNT} cannot be stored`);
    else if (before?.step === step) refuse(step, name, `${before.name} is of the same step`);
    else directories.push({ step, name });
  }
  return { directories, refused };
}

import { styleText } from 'node:util';
import type { Tone } from '../words/parts.js';

const FORMATS = {
  title: 'bold',
  label: 'dim',
  good: 'green',
  bad: 'red',
  busy: 'cyan',
  waiting: 'yellow',
} as const satisfies Readonly<Record<Tone, string>>;

export type Paint = (tone: Tone, text: string) => string;

/** No colours. */
export const plain: Paint = (_tone, text) => text;

/** Colours when the stream is a terminal that wants them (NO_COLOR and its kin are respected). */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (tone, text) => styleText(FORMATS[tone], text, { stream });
}

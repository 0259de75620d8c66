import { styleText } from 'node:util';

const FORMATS = {
  title: 'bold',
  label: 'dim',
  good: 'green',
  bad: 'red',
  busy: 'cyan',
  waiting: 'yellow',
} as const;

export type Tone = keyof typeof FORMATS;
export type Paint = (tone: Tone, text: string) => string;

/** No colours. */
export const plain: Paint = (_tone, text) => text;

/** Colours when the stream is a terminal that wants them (NO_COLOR and its kin are respected). */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (tone, text) => styleText(FORMATS[tone], text, { stream });
}

/** Text from elsewhere, safe to show: what a terminal would obey is spelled out. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** The same, in one line. */
export function oneLine(text: string): string {
  return printable(text.replace(/\s*[\r\n\t]+\s*/g, ' '));
}

import { DomainError } from '@ktrdr/errors';
import { nearest, nearestCommand } from './did-you-mean.js';
import { InterruptedError } from './interrupt.js';
import { EXIT, exitCodeOfError, exitCodeOfSignal } from './exit-codes.js';
import type { ProblemDocument } from '../render/words/problem-document.js';

/** How a command ended that did not do what it was asked for. */
export interface Failure {
  readonly exitCode: number;
  readonly problem: ProblemDocument;
  /** The problem with what only people need; the same one in most cases. */
  readonly forPeople: ProblemDocument;
  /** For those who look for the cause in this program. */
  readonly stack: string | null;
}

/** What there is, to suggest the likeliest of it where something else was typed. */
export interface KnownWords {
  /** Names, without dashes. */
  readonly flags?: readonly string[];
  /** Such as `operations start`. */
  readonly commands?: readonly string[];
}

/** Any error as a problem: the API's own as it was sent, the others in the same form. */
export function toFailure(error: unknown, known: KnownWords = {}): Failure {
  if (error instanceof DomainError) {
    const exitCode = exitCodeOfError(error.code);
    const problem =
      'problem' in error ? (error.problem as ProblemDocument) : local(error.code, error.message, error.details);
    const forPeople = 'forPeople' in error ? (error.forPeople as ProblemDocument) : problem;
    return { exitCode, problem, forPeople, stack: null };
  }
  if (error instanceof InterruptedError) {
    const problem = local('interrupted', error.message, { signal: error.signal });
    return { exitCode: exitCodeOfSignal(error.signal), problem, forPeople: problem, stack: null };
  }
  const message = error instanceof Error ? error.message : String(error);
  const oclifExit = exitOfOclif(error);
  if (oclifExit !== null) {
    const problem = local('request-invalid', usageMessage(message, known), {});
    return { exitCode: oclifExit, problem, forPeople: problem, stack: null };
  }
  const problem = local('internal', `ktrdr itself failed: ${message}`, {});
  return { exitCode: EXIT.failed, problem, forPeople: problem, stack: (error instanceof Error && error.stack) || null };
}

/** oclif's words for a bad command line in plain ones, without its advice, which stands below as a command. */
function usageMessage(message: string, { flags = [], commands = [] }: KnownWords): string {
  const text = message
    .replace('See more help with --help', '')
    .replace(/\s*Note: --[\w-]+ allows multiple values\.[^]*$/, '') // here each takes one, so arguments can follow
    .replace(/^Parsing (--[\w-]+)\s+/, '$1: ');
  const line = text
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/ {2,}/g, ' – ');
  const [, unknown] = /^command (\S+) not found$/.exec(line) ?? [];
  if (unknown) {
    const words = unknown.split(':');
    if (words[0]?.startsWith('-')) return noSuchFlag(words[0], FLAGS_OF_NO_COMMAND);
    const meant = nearestCommand(words, commands);
    return `There is no command ${words.join(' ')}${meant === null ? '' : `. Did you mean ktrdr ${meant}?`}`;
  }
  const [, nonexistent] = /^Nonexistent flags?: (.+)$/.exec(line) ?? [];
  return nonexistent
    ? noSuchFlag(nonexistent, flags)
    : PLAINER.reduce((said, [form, words]) => said.replace(form, words), line);
}

function noSuchFlag(list: string, flags: readonly string[]): string {
  const typed = list
    .split(', ')
    .map((flag) => flag.replace(/=[^]*$/, ''))
    .filter((flag) => flag.startsWith('-'));
  const meant = typed.flatMap((flag) => nearest(flag.replace(/^-+/, ''), flags) ?? []);
  const advice = meant.length === 0 ? '' : `. Did you mean ${meant.map((flag) => `--${flag}`).join(' and ')}?`;
  return `There is no flag ${typed.join(', ')}${advice}`;
}

const FLAGS_OF_NO_COMMAND = ['version', 'help'];

const PLAINER: readonly (readonly [RegExp, string])[] = [
  [/^(--[\w-]+): Expected an integer less than or equal to (\S+) but received: (.*)$/, '$1 must be at most $2, not $3'],
  [
    /^(--[\w-]+): Expected an integer greater than or equal to (\S+) but received: (.*)$/,
    '$1 must be at least $2, not $3',
  ],
  [/^(--[\w-]+): Expected an integer but received: (.*)$/, '$1 must be a whole number, not $2'],
  [/^Expected (--[\w-]+)=(.*) to be one of: (.*)$/, '$1 must be one of $3, not $2'],
  [/^Missing \d+ required args?: (.*)$/, 'Missing: $1'],
];

/** True when the command line itself is at fault, rather than what it asks for. */
export function isUsageError(error: unknown): boolean {
  return !(error instanceof DomainError) && exitOfOclif(error) !== null;
}

function local(code: string, detail: string, details: Readonly<Record<string, unknown>>): ProblemDocument {
  return { ...details, type: `urn:ktrdr:problem:${code}`, title: code.replaceAll('-', ' '), code, detail };
}

function exitOfOclif(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('oclif' in error)) return null;
  const { exit } = error.oclif as { exit?: number | false };
  return typeof exit === 'number' ? exit : EXIT.usage;
}

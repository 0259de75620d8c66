import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { DomainError } from '@ktrdr/errors';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { SpecFileError } from '../errors/errors.js';

/** What stands beside the specification in one file: it describes the operation, not the training. */
const OPERATION_FIELDS = [
  'type',
  'name',
  'labels',
  'pool',
  'priority',
  'max_recoveries',
  'parent_id',
  'watchdog',
] as const;
type OperationField = (typeof OPERATION_FIELDS)[number];

/** A specification as a person wrote it. */
export interface SpecFile {
  /** The operation's own fields, unchecked. */
  readonly operation: Readonly<Partial<Record<OperationField, unknown>>>;
  readonly spec: Readonly<Record<string, unknown>>;
  /** The line on which a value stands, or the nearest one around it. */
  lineOf(path: readonly (string | number)[]): number | null;
}

/** Reads YAML or JSON from a file, or from standard input for `-`. @throws {SpecFileError} */
export async function readSpecFile(path: string, stdin: NodeJS.ReadStream = process.stdin): Promise<SpecFile> {
  const name = path === '-' ? 'standard input' : path;
  return parseSpec(path === '-' ? await text(stdin) : await readText(path), name);
}

function parseSpec(source: string, name: string): SpecFile {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) throw syntaxError(name, document, lines);
  const content: unknown = document.toJS();
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new SpecFileError(`${name} is no specification: it must hold fields like "data:" and "model:"`, {
      file: name,
    });
  }
  const entries = Object.entries(content);
  const isOperationField = (field: string) => (OPERATION_FIELDS as readonly string[]).includes(field);
  return {
    operation: Object.fromEntries(entries.filter(([field]) => isOperationField(field))),
    spec: Object.fromEntries(entries.filter(([field]) => !isOperationField(field))),
    lineOf: (path) => lineOf(document, lines, path),
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const reason = REASONS[(error as NodeJS.ErrnoException).code ?? ''] ?? (error as Error).message;
    throw new SpecFileError(`Cannot read ${path}: ${reason}. Give a YAML or JSON file, or - for standard input`, {
      file: path,
    });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you may not read it',
};

/** In what is no YAML at all nearly every line is an error, and the first ones tell as much as all. */
const SHOWN_ERRORS = 3;

function syntaxError(name: string, document: Document.Parsed, lines: LineCounter): SpecFileError {
  const errors = document.errors.map(({ message, pos: [offset] }) => {
    const { line, col } = lines.linePos(offset);
    return { path: `${name}:${line}:${col}`, where: `line ${line}, column ${col}`, message };
  });
  const [first] = errors;
  const where = first ? `${first.where}: ${first.message}` : 'it cannot be parsed';
  return new SpecFileError(`${name} is not valid YAML or JSON: ${where}`, {
    file: name,
    problems: errors.slice(0, SHOWN_ERRORS).map(({ path, message }) => ({ path, message })),
    ...(errors.length > SHOWN_ERRORS ? { more_problems: errors.length - SHOWN_ERRORS } : {}),
  });
}

function lineOf(document: Document.Parsed, lines: LineCounter, path: readonly (string | number)[]): number | null {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : null;
    if (Array.isArray(range)) return lines.linePos(Number(range[0])).line;
  }
  return null;
}

/**
 * Adds the line of the file to each field that the API refuses in a specification. Only for people: the problem that a
 * program reads stays as the API sent it.
 */
export function locateIssues(error: unknown, file: SpecFile): unknown {
  if (!(error instanceof DomainError) || !('problem' in error)) return error;
  const problem = error.problem as Readonly<Record<string, unknown>>;
  if (!Array.isArray(problem['problems'])) return error;
  const problems = problem['problems'].map((field: unknown) => {
    if (typeof field !== 'object' || field === null || !('path' in field)) return field;
    const line = file.lineOf(pathOf(String(field.path)));
    return line === null ? field : { ...field, line };
  });
  return Object.assign(error, { forPeople: { ...problem, problems } });
}

/** `model.layers.0.units`; the API puts `spec.` before it where it speaks of the whole request. */
function pathOf(path: string): (string | number)[] {
  const keys = path.split('.').filter((key) => key !== '');
  return (keys[0] === 'spec' ? keys.slice(1) : keys).map((key) => (/^\d+$/.test(key) ? Number(key) : key));
}

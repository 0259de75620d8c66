import { type BadFile, type CheckpointFile, partsOf, type StoredPart } from '@ktrdr/operations';
import { ObjectNotFoundError, ObjectUnreadableError } from '../errors.js';
import { sha256OfBlobKey } from '../keys.js';
import type { ObjectDigest } from '../ports.js';

/** A part, the file that it belongs to, and where in that file it begins. */
export interface Piece extends StoredPart {
  readonly file: CheckpointFile;
  readonly offset: number;
}

/** What looking at a piece found. */
export interface PieceFinding {
  readonly piece: Piece;
  readonly problem: ReadProblem | null;
  readonly bytes: number;
}

/** The pieces of all files, file by file, in their order. */
export function piecesOf(files: readonly CheckpointFile[]): readonly Piece[] {
  return files.flatMap((file) => {
    let offset = 0;
    return partsOf(file).map((part) => {
      const piece = { ...part, file, offset };
      offset += part.bytes;
      return piece;
    });
  });
}

/** Whether two lists of files name the same bytes, in the same order. */
export function haveSamePieces(some: readonly CheckpointFile[], others: readonly CheckpointFile[]): boolean {
  const [left, right] = [piecesOf(some), piecesOf(others)];
  if (some.length !== others.length || left.length !== right.length) return false;
  return left.every(({ file, blob, bytes }, index) => {
    const other = right[index];
    return other?.file.name === file.name && other.blob === blob && other.bytes === bytes;
  });
}

/** Reads a piece and compares what was read with what it must be. A store that cannot answer is thrown on. */
export async function compare(piece: Piece, read: () => Promise<ObjectDigest>): Promise<PieceFinding> {
  const outcome = await tryRead(read);
  if ('problem' in outcome) return { piece, problem: outcome, bytes: 0 };
  return { piece, problem: difference(piece, outcome.value), bytes: outcome.value.bytes };
}

/** What is wrong with a blob of another size; null: it has the right one. */
export function wrongSize({ blob, bytes }: StoredPart, actual: number): ReadProblem | null {
  if (actual === bytes) return null;
  return { problem: 'wrong-size', detail: `${blob} has ${actual} bytes, not ${bytes}` };
}

function difference(piece: StoredPart, found: ObjectDigest): ReadProblem | null {
  const size = wrongSize(piece, found.bytes);
  if (size || found.sha256 === sha256OfBlobKey(piece.blob)) return size;
  return { problem: 'wrong-hash', detail: `${piece.blob} has SHA-256 ${found.sha256}` };
}

/** One entry for each file that has a bad part, in the order of the files. */
export function badFilesIn(files: readonly CheckpointFile[], findings: readonly PieceFinding[]): readonly BadFile[] {
  const ofFile = Map.groupBy(
    findings.filter(({ problem }) => problem !== null),
    ({ piece }) => piece.file,
  );
  return files.flatMap((file) => {
    const bad = (ofFile.get(file) ?? []).toSorted((a, b) => a.piece.offset - b.piece.offset);
    const problem = bad[0]?.problem;
    if (!problem) return [];
    const parts = partsOf(file).length;
    const detail = parts === 1 ? problem.detail : `${problem.detail} (${bad.length} of ${parts} parts are bad)`;
    return [{ name: file.name, ...problem, detail }];
  });
}

/** What is wrong with one object. */
export type ReadProblem = Pick<BadFile, 'problem' | 'detail'>;

/** Reads an object; a missing or unreadable one is a `ReadProblem`. @throws what is wrong with the store. */
export async function tryRead<Value>(read: () => Promise<Value>): Promise<{ readonly value: Value } | ReadProblem> {
  try {
    return { value: await read() };
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return { problem: 'missing', detail: error.message };
    if (error instanceof ObjectUnreadableError) return { problem: 'unreadable', detail: error.message };
    throw error;
  }
}

import { CursorInvalidError } from '../http/errors.js';

export interface ListPosition {
  readonly createdAt: Date;
  readonly id: string;
}

/** Where a list goes on, opaque to clients. */
export function encodeCursor({ createdAt, id }: ListPosition): string {
  return Buffer.from(JSON.stringify([createdAt.toISOString(), id])).toString('base64url');
}

/** @throws {CursorInvalidError} */
export function parseCursor(cursor: string): ListPosition {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (!Array.isArray(parsed)) throw new CursorInvalidError();
    const [at, id] = parsed as unknown[];
    if (typeof at !== 'string' || typeof id !== 'string' || Number.isNaN(Date.parse(at)))
      throw new CursorInvalidError();
    return { createdAt: new Date(at), id };
  } catch (error) {
    if (error instanceof CursorInvalidError) throw error;
    throw new CursorInvalidError();
  }
}

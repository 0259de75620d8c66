import type { ParsedBody, ParsedQuery, ROUTES } from '@ktrdr/contracts';
import type { OperationFilter, OperationListRequest } from '@ktrdr/operations';
import { CursorInvalidError } from '../http/errors.js';

type Listed = ParsedQuery<typeof ROUTES.operations.list>;
type Asked = Omit<Listed, 'limit' | 'cursor' | 'label'> &
  Pick<ParsedBody<typeof ROUTES.operations.resumeAll>['filter'], 'operation_ids' | 'labels'>;

/** What a list or a bulk action is about. */
export function toFilter(asked: Asked): OperationFilter {
  const { operation_ids, status, type, text, parent_id, labels, created_after, created_before } = asked;
  return {
    ...(operation_ids ? { ids: operation_ids } : {}),
    ...(status ? { statuses: status } : {}),
    ...(type ? { type } : {}),
    ...(text ? { text } : {}),
    ...(parent_id ? { parentId: parent_id } : {}),
    ...(labels ? { labels } : {}),
    ...(created_after ? { createdAfter: new Date(created_after) } : {}),
    ...(created_before ? { createdBefore: new Date(created_before) } : {}),
  };
}

/** @throws {CursorInvalidError} */
export function toListRequest(query: Listed): OperationListRequest {
  const { limit, cursor, label, ...asked } = query;
  const filter = toFilter(label ? { ...asked, labels: label } : asked);
  return { ...filter, limit, ...(cursor ? { after: parseCursor(cursor) } : {}) };
}

interface ListPosition {
  readonly createdAt: Date;
  readonly id: string;
}

/** Where a list goes on, opaque to clients. */
export function encodeCursor({ createdAt, id }: ListPosition): string {
  return Buffer.from(JSON.stringify([createdAt.toISOString(), id])).toString('base64url');
}

/** @throws {CursorInvalidError} */
function parseCursor(cursor: string): ListPosition {
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

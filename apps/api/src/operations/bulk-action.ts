import { Inject, Injectable } from '@nestjs/common';
import type { BulkView, ParsedBody, ROUTES } from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import {
  allowedActions,
  type ClientAction,
  isPassedOver,
  type Operation,
  type OperationFilter,
  PauseRefusedError,
  traitsOf,
} from '@ktrdr/operations';
import { PrismaOperationStore } from '@ktrdr/operations-prisma';

const PAGE = 200;
const AT_ONCE = 8;
/** Of more than this the rest is left for the next request, and the answer says how many. */
const AT_MOST = 1_000;

type Filter = ParsedBody<typeof ROUTES.operations.resumeAll>['filter'];
type Item = BulkView['items'][number];

interface Matching {
  readonly matched: readonly Operation[];
  /** Those that are beyond the most included. */
  readonly total: number;
}

export interface BulkRequest {
  readonly filter: Filter;
  readonly isDryRun: boolean;
  readonly action: ClientAction;
  readonly act: (operationId: string) => Promise<unknown>;
  /** Says what `act` would, without doing it; without one, the status alone decides. */
  readonly try?: (operationId: string) => Promise<unknown>;
}

/** Does one thing to many operations; a refusal of one is its own outcome and stops none of the others. */
@Injectable()
export class BulkAction {
  constructor(@Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore) {}

  async execute(request: BulkRequest): Promise<BulkView> {
    const { matched, total } = await this.matching(request.filter);
    const items: Item[] = [];
    for (let start = 0; start < matched.length; start += AT_ONCE) {
      const some = matched.slice(start, start + AT_ONCE);
      items.push(...(await Promise.all(some.map((operation) => this.one(operation, request)))));
    }
    const done = items.filter(({ outcome }) => outcome === 'done' || outcome === 'would-be-done').length;
    const left_out = Math.max(0, total - matched.length);
    return { dry_run: request.isDryRun, matched: matched.length, left_out, done, items };
  }

  private async one(operation: Operation, { isDryRun, action, act, try: attempt }: BulkRequest): Promise<Item> {
    const { id, name } = operation;
    if (isPassedOver(operation.status, action)) return passedOver(operation);
    try {
      if (!isDryRun) await act(id);
      else if (attempt) await attempt(id);
      else if (action === 'pause' && !traitsOf(operation.type).isPausable)
        throw new PauseRefusedError(id, operation.type);
      else if (!allowedActions(operation.status).includes(action))
        return refused(operation, 'illegal-transition', `it is ${operation.status}`);
      const { status } = isDryRun ? operation : await this.operations.get(id);
      return { operation_id: id, name, status, outcome: isDryRun ? 'would-be-done' : 'done', code: null, detail: null };
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      const now = await this.operations.get(id);
      // It got there by itself after it was looked up.
      return isPassedOver(now.status, action) ? passedOver(now) : refused(now, error.code, error.message);
    }
  }

  private async matching({ operation_ids, status, type, text, parent_id, labels }: Filter): Promise<Matching> {
    const filter: OperationFilter = {
      ...(operation_ids ? { ids: operation_ids } : {}),
      ...(status ? { statuses: status } : {}),
      ...(type ? { type } : {}),
      ...(text ? { text } : {}),
      ...(parent_id ? { parentId: parent_id } : {}),
      ...(labels ? { labels } : {}),
    };
    const matched: Operation[] = [];
    for (;;) {
      const last = matched.at(-1);
      const page = await this.operations.list({ ...filter, limit: PAGE, ...(last ? { after: last } : {}) });
      matched.push(...page.items);
      if (!page.hasMore || matched.length >= AT_MOST) return { matched: matched.slice(0, AT_MOST), total: page.total };
    }
  }
}

function refused({ id, name, status }: Operation, code: string, detail: string): Item {
  return { operation_id: id, name, status, outcome: 'refused', code, detail };
}

function passedOver({ id, name, status }: Operation): Item {
  return { operation_id: id, name, status, outcome: 'passed-over', code: null, detail: `it is already ${status}` };
}

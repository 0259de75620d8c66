import { DomainError } from '@ktrdr/errors';
import { PauseRefusedError } from '../model/errors.js';
import type { Operation } from '../model/operation.js';
import type { OperationStatus } from '../model/status.js';
import { allowedActions, type ClientAction } from '../model/transitions.js';
import type { OperationFilter, OperationStore } from '../ports.js';
import { isPausable } from '../spec/operation-types.js';

const PAGE = 200;
const AT_ONCE = 8;
/** Of more than this the rest is left for the next request, and the answer says how many. */
const AT_MOST = 1_000;

/** Statuses where the operation has already what the action is for, or can never have it. */
const NO_OP_STATUSES: Readonly<Partial<Record<ClientAction, readonly OperationStatus[]>>> = {
  pause: ['pausing', 'paused', 'cancelling', 'cancelled', 'completed', 'failed'],
  resume: ['queued', 'running', 'resuming', 'completed'],
  cancel: ['cancelling', 'cancelled', 'completed', 'failed'],
};

/** What became of one operation. `passed-over`: the action has nothing to do there, which is no refusal. */
export interface BulkItem {
  readonly operation: Pick<Operation, 'id' | 'name' | 'status'>;
  readonly outcome: 'done' | 'would-be-done' | 'passed-over' | 'refused';
  readonly code: string | null;
  readonly detail: string | null;
}

export interface BulkResult {
  readonly matched: number;
  /** Those that match beyond the most that one request acts on. */
  readonly leftOut: number;
  readonly done: number;
  readonly items: readonly BulkItem[];
}

interface Matching {
  readonly matched: readonly Operation[];
  /** Those that are beyond the most included. */
  readonly total: number;
}

export interface BulkRequest {
  readonly filter: OperationFilter;
  readonly isDryRun: boolean;
  readonly action: ClientAction;
  readonly act: (operationId: string) => Promise<unknown>;
  /** Says what `act` would, without doing it; without one, the status alone decides. */
  readonly try?: (operationId: string) => Promise<unknown>;
}

/** Does one thing to many operations; a refusal of one is its own outcome and stops none of the others. */
export class BulkAction {
  constructor(private readonly operations: Pick<OperationStore, 'list' | 'get'>) {}

  async execute(request: BulkRequest): Promise<BulkResult> {
    const { matched, total } = await this.matching(request.filter);
    const items: BulkItem[] = [];
    for (let start = 0; start < matched.length; start += AT_ONCE) {
      const some = matched.slice(start, start + AT_ONCE);
      items.push(...(await Promise.all(some.map((operation) => this.one(operation, request)))));
    }
    const done = items.filter(({ outcome }) => outcome === 'done' || outcome === 'would-be-done').length;
    return { matched: matched.length, leftOut: Math.max(0, total - matched.length), done, items };
  }

  private async one(operation: Operation, { isDryRun, action, act, try: attempt }: BulkRequest): Promise<BulkItem> {
    const { id } = operation;
    if (isNoOp(operation.status, action)) return passedOver(operation);
    try {
      if (!isDryRun) await act(id);
      else if (attempt) await attempt(id);
      else if (action === 'pause' && !isPausable(operation)) throw new PauseRefusedError(id, operation.type);
      else if (!allowedActions(operation.status).includes(action))
        return refused(operation, 'illegal-transition', `it is ${operation.status}`);
      if (isDryRun) return { operation, outcome: 'would-be-done', code: null, detail: null };
      return { operation: await this.operations.get(id), outcome: 'done', code: null, detail: null };
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      const now = await this.operations.get(id);
      // It got there by itself after it was looked up.
      return isNoOp(now.status, action) ? passedOver(now) : refused(now, error.code, error.message);
    }
  }

  private async matching(filter: OperationFilter): Promise<Matching> {
    const matched: Operation[] = [];
    for (;;) {
      const last = matched.at(-1);
      const page = await this.operations.list({ ...filter, limit: PAGE, ...(last ? { after: last } : {}) });
      matched.push(...page.items);
      if (!page.hasMore || matched.length >= AT_MOST) return { matched: matched.slice(0, AT_MOST), total: page.total };
    }
  }
}

function refused(operation: Operation, code: string, detail: string): BulkItem {
  return { operation, outcome: 'refused', code, detail };
}

function passedOver(operation: Operation): BulkItem {
  return { operation, outcome: 'passed-over', code: null, detail: `it is already ${operation.status}` };
}

export function isNoOp(status: OperationStatus, action: ClientAction): boolean {
  return NO_OP_STATUSES[action]?.includes(status) ?? false;
}

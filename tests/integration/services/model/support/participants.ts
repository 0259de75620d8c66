import { randomUUID } from 'node:crypto';
import type { Action, Answer, GrantedLease } from './action.js';
import { newestFirst, type World } from './model.js';
import { type ResumeStep, type SingleStep, WORKERS } from './step.js';
import type { Uploads } from './uploads.js';
import { directiveTo, holds } from './worker-rules.js';

/** What a simulated worker knows of a lease that it was given. It goes on knowing it when the lease is lost. */
interface Grant {
  readonly lease: GrantedLease;
  step: number;
  seq: number;
  startsFrom: string | null;
  lastCommitted: string | null;
}

const WORKER_KINDS: readonly Action['kind'][] = [
  ...(['claim', 'restored', 'restore-failed', 'commit', 'save-failed', 'paused', 'cancelled'] as const),
  ...(['completed', 'released', 'failed'] as const),
];

/** Who takes part in a sequence, and what they remember: turns steps into requests with every choice made. */
export class Participants {
  private readonly grants: Grant[] = [];
  private readonly requests: Action[] = [];
  readonly committed: string[] = [];

  constructor(
    private readonly name: string,
    readonly operations: readonly string[],
    private readonly uploads: Uploads,
  ) {}

  idOf(op: number): string {
    return this.operations[op] ?? '';
  }

  workerId(worker: number): string {
    return `${this.name}-w${worker % WORKERS}`;
  }

  /** The requests that a step stands for; none where it asks for what has not come about. */
  async actionsOf(step: SingleStep, world: World): Promise<readonly Action[]> {
    switch (step.do) {
      case 'pause':
      case 'cancel':
      case 'delete':
      case 'look':
        return [{ kind: step.do, id: this.idOf(step.op) }];
      case 'resume':
        return [this.resumeOf(step, world)];
      case 'sweep':
        return [{ kind: 'sweep', isOverdue: step.isOverdue }];
      case 'claim':
        return [this.claimBy(step.worker, step.isAgain)];
      case 'heartbeat': {
        const workerId = this.workerId(step.worker);
        const leases = this.grants.map(({ lease }) => lease).filter((lease) => lease.workerId === workerId);
        return [{ kind: 'heartbeat', workerId, leases: newestOfEach(leases) }];
      }
      case 'repeat': {
        const request = this.requests.at(-1 - step.request);
        if (request?.kind !== 'commit') return request ? [request] : [];
        return [{ ...request, isStored: await this.uploads.isStored(request.checkpoint.id) }];
      }
      default: {
        const grant = this.grants.at(-1 - step.lease);
        return grant ? this.byHolder(step, grant, world) : [];
      }
    }
  }

  resumeOf({ op, choice, allowFallback, dryRun }: ResumeStep, world: World): Extract<Action, { kind: 'resume' }> {
    const id = this.idOf(op);
    const oldest = world.get(id)?.checkpoints[0]?.id ?? randomUUID();
    const chosen = { latest: 'latest', best: 'best', oldest, unknown: randomUUID() }[choice];
    return { kind: 'resume', id, choice: chosen, allowFallback, dryRun };
  }

  /** Remembers what follows from an answer. */
  heard(action: Action, answer: Answer): void {
    if (WORKER_KINDS.includes(action.kind)) this.requests.push(action);
    if (!answer.ok) return;
    if (action.kind === 'claim' && typeof answer['operation'] === 'string') this.granted(action, answer);
    if (action.kind === 'commit') {
      if (!this.committed.includes(action.checkpoint.id)) this.committed.push(action.checkpoint.id);
      for (const grant of this.grants)
        if (sameLease(grant.lease, action.lease)) grant.lastCommitted = action.checkpoint.id;
    }
    if (action.kind === 'restore-failed')
      for (const grant of this.grants)
        if (sameLease(grant.lease, action.lease)) this.begin(grant, answer['resume'] as string | null);
  }

  private granted({ workerId }: Extract<Action, { kind: 'claim' }>, answer: Answer & { readonly ok: true }): void {
    const lease = { operationId: String(answer['operation']), attempt: Number(answer['attempt']), workerId };
    if (this.grants.some((grant) => sameLease(grant.lease, lease))) return;
    const grant = { lease, step: 0, seq: 0, startsFrom: null, lastCommitted: null };
    this.begin(grant, answer['resume'] as string | null);
    this.grants.push(grant);
  }

  private begin(grant: Grant, checkpointId: string | null): void {
    grant.startsFrom = checkpointId;
    grant.step = checkpointId ? this.uploads.recordOf(checkpointId).step : 0;
  }

  private claimBy(worker: number, isAgain: boolean): Action {
    const workerId = this.workerId(worker);
    const before = this.requests.findLast((one) => one.kind === 'claim' && one.workerId === workerId);
    if (isAgain && before) return before;
    // The last worker lacks what an operation is pinned to once it has begun.
    const capabilities = ['type:training', ...(worker === WORKERS - 1 ? [] : ['backend:wasm'])];
    return { kind: 'claim', workerId, claimId: randomUUID(), capabilities };
  }

  private async byHolder(
    step: Extract<SingleStep, { readonly lease: number }>,
    grant: Grant,
    world: World,
  ): Promise<readonly Action[]> {
    const { lease } = grant;
    const at = { lease, step: grant.step };
    switch (step.do) {
      case 'start':
        return [this.startOf(grant, world)];
      case 'commit':
        return [await this.save(grant, step.steps, step)];
      case 'save-failed':
        return [{ kind: 'save-failed', ...at, isPauseAbandoned: step.isPauseAbandoned }];
      case 'paused': {
        const checkpointId = step.isCommitted ? grant.lastCommitted : randomUUID();
        return checkpointId ? [{ kind: 'paused', ...at, checkpointId }] : [];
      }
      case 'completed': {
        // A good worker has saved it; one that has not may name what it has, or began with.
        if (step.steps % 3 > 0) {
          const commit = await this.save(grant, step.steps, { isBest: false, isStored: true });
          return [commit, { kind: 'completed', lease, step: grant.step, checkpointId: commit.checkpoint.id }];
        }
        grant.step += step.steps;
        const checkpointId = grant.lastCommitted ?? grant.startsFrom;
        return [{ kind: 'completed', lease, step: grant.step, checkpointId }];
      }
      case 'cancelled':
      case 'released':
        grant.step += step.steps;
        return [{ kind: step.do, lease, step: grant.step }];
      case 'failed':
        return [{ kind: 'failed', ...at, code: step.isCrash ? 'trainer-crashed' : 'training-diverged' }];
      case 'obey':
        return this.obey(grant, world);
    }
  }

  /** What a good worker does: it looks what is wanted of it, saves, and reports. */
  private async obey(grant: Grant, world: World): Promise<readonly Action[]> {
    const { lease } = grant;
    const directive = directiveTo(world.get(lease.operationId), lease);
    if (directive === 'lease-lost') return [{ kind: 'heartbeat', workerId: lease.workerId, leases: [lease] }];
    const commit = await this.save(grant, 2, { isBest: false, isStored: true });
    if (directive === 'run') return [commit];
    const at = { lease, step: grant.step };
    if (directive === 'cancel') return [commit, { kind: 'cancelled', ...at }];
    return [commit, { kind: 'paused', ...at, checkpointId: commit.checkpoint.id }];
  }

  private startOf({ lease, startsFrom, step }: Grant, world: World): Action {
    const operation = world.get(lease.operationId);
    const checkpoint = operation && newestFirst(operation).find(({ id }) => id === startsFrom);
    if (checkpoint?.isDamaged && holds(operation, lease))
      return { kind: 'restore-failed', lease, step, checkpointId: checkpoint.id };
    return { kind: 'restored', lease, step, checkpointId: startsFrom };
  }

  private async save(grant: Grant, steps: number, { isBest, isStored }: { isBest: boolean; isStored: boolean }) {
    grant.step += steps;
    grant.seq += 1;
    const checkpoint = { id: randomUUID(), seq: grant.seq, step: grant.step, isBest };
    await this.uploads.upload(grant.lease, checkpoint, isStored);
    return { kind: 'commit' as const, lease: grant.lease, checkpoint, isStored };
  }
}

function sameLease(a: GrantedLease, b: GrantedLease): boolean {
  return a.operationId === b.operationId && a.attempt === b.attempt;
}

/** A worker names an operation once; the newest of its leases is the one that it believes in. */
function newestOfEach(leases: readonly GrantedLease[]): readonly GrantedLease[] {
  return [...new Map(leases.map((lease) => [lease.operationId, lease])).values()];
}

import type { Directive, WorkerRpcMethod, WorkerRpcReply, WorkerRpcRequest } from '@ktrdr/contracts';
import { RpcError } from '@ktrdr/messaging-nats';
import { allowedActions, type OperationStatus } from '@ktrdr/operations';
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type Answer as HttpAnswer, type Http } from '../../../support/http.js';
import type { Action, ActionOf as Of, Answer } from './action.js';
import type { ApiInProcess } from './api-in-process.js';
import { ModelViolation } from './model-violation.js';
import type { Uploads } from './uploads.js';

const RPC_TIMEOUT_MS = 15_000;
const A_LONG_TIME_MS = 1e9;
const BAD_FILE = { name: 'weights.safetensors', problem: 'wrong-hash', detail: 'found on restore' };

/** Clients over HTTP and workers over NATS: carries out what is asked and says what came back. */
export class Actors {
  constructor(
    private readonly api: ApiInProcess,
    private readonly http: Http,
    private readonly uploads: Uploads,
    private readonly pool: string,
  ) {}

  /** @param isKeyed sends a client's request with an Idempotency-Key, and then again: one effect, the same answer */
  async perform(action: Action, { isKeyed = false } = {}): Promise<Answer> {
    switch (action.kind) {
      case 'look':
        return this.look(action.id);
      case 'delete':
        return told(await this.http.delete(`/operations/${action.id}`), () => ({}));
      case 'pause':
      case 'cancel':
      case 'resume':
        return isKeyed ? this.askTwice(action) : this.ask(action);
      case 'sweep':
        return this.sweep(action.isOverdue);
      default:
        return this.asWorker(action);
    }
  }

  private async ask(action: Of<'pause' | 'cancel' | 'resume'>, key?: string): Promise<Answer> {
    const headers = key ? { 'Idempotency-Key': key } : undefined;
    const path = `/operations/${action.id}/${action.kind}`;
    if (action.kind !== 'resume')
      return told(await this.http.post(path, {}, headers), ({ status, allowed_actions }) => ({
        status,
        allowed_actions,
      }));
    const { choice: checkpoint, allowFallback: allow_fallback, dryRun: dry_run } = action;
    const reply = await this.http.post(path, { checkpoint, allow_fallback, dry_run }, headers);
    return told(reply, ({ status, resumed_from, lost_steps, fell_back_from }) =>
      status === 'running'
        ? { status } // a pause withdrawn
        : { status, resumed_from: resumed_from?.checkpoint_id ?? null, lost_steps, fell_back_from },
    );
  }

  private async askTwice(action: Of<'pause' | 'cancel' | 'resume'>): Promise<Answer> {
    const key = randomUUID();
    const first = await this.ask(action, key);
    const second = await this.ask(action, key);
    if (!isDeepStrictEqual(first, second))
      throw new ModelViolation(['a repeated Idempotency-Key got another answer'], { action, first, second });
    return first;
  }

  private async look(id: string): Promise<Answer> {
    const [view, explained] = await Promise.all([
      this.http.get(`/operations/${id}`),
      this.http.get(`/operations/${id}/explain`),
    ]);
    if (view.status === 200 && explained.status === 200 && !(explained.body['reasons']?.length > 0))
      throw new ModelViolation(['the explanation has no reason'], { id, body: explained.body });
    return told(view, ({ status, version, attempt, worker_id, recoveries, allowed_actions }) => ({
      ...{ status, version, attempt, worker_id, recoveries, allowed_actions },
    }));
  }

  private async sweep(isOverdue: boolean): Promise<Answer> {
    const limitMs = isOverdue ? 0 : A_LONG_TIME_MS;
    const freed = await this.api.expire.execute({ cancellingMs: limitMs, pausingMs: limitMs });
    const own = freed.filter(({ pool }) => pool === this.pool).map(({ id, status }) => ({ id, status }));
    return { ok: true, freed: own.toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
  }

  private asWorker(action: Exclude<Action, Of<'look' | 'delete' | 'pause' | 'cancel' | 'resume' | 'sweep'>>) {
    const directive = (reply: { directive: Directive }) => ({ directive: reply.directive.kind });
    const status = (reply: { status: string }) => ({ status: reply.status });
    switch (action.kind) {
      case 'claim': {
        const { workerId, claimId, capabilities } = action;
        const request = { worker_id: workerId, claim_id: claimId, pool: this.pool, capabilities: [...capabilities] };
        return this.call('claim', request, ({ operation }) =>
          operation
            ? {
                operation: operation.operation_id,
                attempt: operation.attempt,
                resume: operation.resume?.checkpoint_id ?? null,
              }
            : { operation: null },
        );
      }
      case 'heartbeat': {
        const leases = action.leases.map(({ operationId, attempt }) => ({
          operation_id: operationId,
          attempt,
          moved: false,
        }));
        const request = { worker_id: action.workerId, free_slots: 1, leases };
        return this.call('heartbeat', request, ({ directives }) => ({
          directives: directives.map((one) => one.directive.kind),
        }));
      }
      case 'restored':
        return this.call('restored', startReport(action), directive);
      case 'restore-failed': {
        const request = { ...leaseOf(action), checkpoint_id: action.checkpointId, bad_files: [BAD_FILE] };
        return this.call('restore-failed', request, ({ resume }) => ({ resume: resume?.checkpoint_id ?? null }));
      }
      case 'commit': {
        const request = { ...leaseOf(action), checkpoint: this.uploads.recordOf(action.checkpoint.id) };
        return this.call('checkpoint-commit', request, (reply) => ({ checkpoint: reply.checkpoint_id }));
      }
      case 'save-failed': {
        const error = { code: 'checkpoint-failed', message: 'the disk is full', details: {} };
        const failure = { kind: 'periodic' as const, error, pause_abandoned: action.isPauseAbandoned };
        return this.call('checkpoint-failed', { ...leaseOf(action), ...positionOf(action), ...failure }, directive);
      }
      case 'paused': {
        const request = {
          ...leaseOf(action),
          ...positionOf(action),
          checkpoint_id: action.checkpointId,
          snapshot: null,
        };
        return this.call('paused', request, status);
      }
      case 'failed': {
        const error = { code: action.code, message: 'it did not work', details: {} };
        return this.call('failed', { ...leaseOf(action), error, checkpoint_id: null }, status);
      }
      case 'cancelled':
        return this.call('cancelled', { ...leaseOf(action), ...positionOf(action), checkpoint_id: null }, status);
      case 'completed': {
        const { checkpointId: checkpoint_id } = action;
        const request = { ...leaseOf(action), ...positionOf(action), checkpoint_id, result: { loss: 0.5 } };
        return this.call('completed', request, status);
      }
      case 'released': {
        const request = { ...leaseOf(action), ...positionOf(action), checkpoint_id: null, reason: 'worker-shutdown' };
        return this.call('released', request, status);
      }
    }
  }

  private async call<M extends WorkerRpcMethod>(
    method: M,
    request: WorkerRpcRequest<M>,
    facts: (reply: WorkerRpcReply<M>) => object,
  ): Promise<Answer> {
    try {
      const { rpc } = await this.api.rpc.of(request.worker_id, this.pool);
      return { ok: true, ...facts(await rpc.call(method, request, { timeoutMs: RPC_TIMEOUT_MS })) };
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      return { ok: false, code: error.code };
    }
  }
}

const leaseOf = ({ lease: { operationId, attempt, workerId } }: { readonly lease: Of<'restored'>['lease'] }) => ({
  operation_id: operationId,
  attempt,
  worker_id: workerId,
});

const positionOf = ({ step }: { readonly step: number }) => ({ step, epoch: Math.floor(step / 10) });

const startReport = (action: Of<'restored'>): WorkerRpcRequest<'restored'> => ({
  ...leaseOf(action),
  ...positionOf(action),
  steps: 1000,
  epochs: 100,
  backend: 'wasm',
  backend_version: '1',
  backend_reason: 'simulated',
  data_fingerprint: 'f',
  trainer: 'simulated',
  checkpoint_id: action.checkpointId,
  fell_back_from: null,
  drift: [],
});

/** A refusal must name the status that forbids it, and what that status allows. */
function told({ status, body }: HttpAnswer, facts: (body: HttpAnswer['body']) => object): Answer {
  if (status < 300) return { ok: true, ...facts(body) };
  const { code, operation_status, allowed_actions } = body as {
    code: string;
    operation_status?: OperationStatus;
    allowed_actions?: unknown;
  };
  if (code === 'illegal-transition') {
    const truth = operation_status && allowedActions(operation_status);
    if (status !== 409 || !isDeepStrictEqual(allowed_actions, truth))
      throw new ModelViolation(['a refusal lies about the allowed actions'], { status, body });
  }
  return { ok: false, code };
}

import {
  ActionView,
  type BulkCancelBody,
  type BulkPauseBody,
  type BulkResumeBody,
  BulkView,
  type CancelBody,
  CheckpointExport,
  CheckpointPage,
  CheckpointStats,
  CheckpointView,
  type CleanupBody,
  CleanupView,
  type DrainBody,
  type EnrolmentBody,
  EnrolmentCreatedView,
  EventPage,
  ExplainView,
  type ForkBody,
  ForkedView,
  HistoryPage,
  type IdentityBody,
  IdentityPage,
  type ImportBody,
  MetricsPage,
  OperationPage,
  OperationView,
  type PauseBody,
  type PriorityBody,
  type ResumeBody,
  ResumedView,
  ResultView,
  type SubmitBody,
  VerifyView,
  WorkerCredentialsView,
  WorkerPage,
  WorkerView,
} from '@ktrdr/contracts';
import { z } from 'zod';
import { readBytes } from './byte-stream.js';
import { type StreamItem, type StreamOptions, streamEvents } from './event-stream.js';
import { HttpTransport, type ReadOptions, type TransportOptions } from './http-transport.js';

export type ApiClientOptions = TransportOptions;

/** Filters of a list, as in the query string. */
export interface OperationFilter {
  /** Comma-separated. */
  readonly status?: string | undefined;
  readonly type?: string | undefined;
  readonly parent_id?: string | undefined;
  /** `key=value`, several comma-separated. */
  readonly label?: string | undefined;
  readonly text?: string | undefined;
  readonly created_after?: string | undefined;
  readonly created_before?: string | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** Which part of an operation's events. */
export interface EventWindow {
  /** Events with a greater sequence number only. */
  readonly after?: number | undefined;
  readonly limit?: number | undefined;
}

/**
 * The operations API with types. Every answer is checked against the contract and returned as it was sent.
 * All methods throw ApiProblemError, ApiUnreachableError or ApiContractError.
 */
export class ApiClient {
  private readonly transport: HttpTransport;

  constructor(options: ApiClientOptions) {
    this.transport = new HttpTransport(options);
  }

  /** The API's address, without a trailing slash. */
  get url(): string {
    return this.transport.address();
  }

  submit(body: SubmitBody): Promise<OperationView> {
    return this.post('operations', OperationView, body);
  }

  list(filter: OperationFilter = {}, options: ReadOptions = {}): Promise<OperationPage> {
    return this.read('operations', OperationPage, { ...filter }, options);
  }

  get(operationId: string, options: ReadOptions = {}): Promise<OperationView> {
    return this.transport.request({ method: 'GET', path: operation(operationId), answer: OperationView, ...options });
  }

  /** Removes the operation with its checkpoints. */
  async remove(operationId: string): Promise<void> {
    await this.delete(operation(operationId));
  }

  pause(operationId: string, body: PauseBody = {}): Promise<ActionView> {
    return this.post(operation(operationId, 'pause'), ActionView, body);
  }

  resume(operationId: string, body: ResumeBody = {}): Promise<ResumedView> {
    return this.post(operation(operationId, 'resume'), ResumedView, body);
  }

  /** Makes a new operation that continues from a checkpoint of this one. */
  fork(operationId: string, body: ForkBody = {}): Promise<ForkedView> {
    return this.post(operation(operationId, 'fork'), ForkedView, body);
  }

  cancel(operationId: string, body: CancelBody = {}): Promise<ActionView> {
    return this.post(operation(operationId, 'cancel'), ActionView, body);
  }

  /** Makes a new operation with the same spec, from the beginning. */
  retry(operationId: string): Promise<OperationView> {
    return this.post(operation(operationId, 'retry'), OperationView);
  }

  /** Moves what waits for a worker in its queue. */
  prioritise(operationId: string, priority: PriorityBody['priority']): Promise<OperationView> {
    return this.post(operation(operationId, 'priority'), OperationView, { priority });
  }

  /** Resumes every operation that matches; a refusal of one is its own outcome. */
  resumeAll(body: BulkResumeBody): Promise<BulkView> {
    return this.post('operations/resume', BulkView, body);
  }

  pauseAll(body: BulkPauseBody): Promise<BulkView> {
    return this.post('operations/pause', BulkView, body);
  }

  cancelAll(body: BulkCancelBody): Promise<BulkView> {
    return this.post('operations/cancel', BulkView, body);
  }

  events(operationId: string, { after, limit }: EventWindow = {}): Promise<EventPage> {
    return this.read(operation(operationId, 'events'), EventPage, { after, limit });
  }

  history(operationId: string): Promise<HistoryPage> {
    return this.read(operation(operationId, 'history'), HistoryPage);
  }

  metrics(operationId: string): Promise<MetricsPage> {
    return this.read(operation(operationId, 'metrics'), MetricsPage);
  }

  checkpoints(operationId: string, options: ReadOptions = {}): Promise<CheckpointPage> {
    return this.read(operation(operationId, 'checkpoints'), CheckpointPage, {}, options);
  }

  explain(operationId: string): Promise<ExplainView> {
    return this.read(operation(operationId, 'explain'), ExplainView);
  }

  result(operationId: string): Promise<ResultView> {
    return this.read(operation(operationId, 'result'), ResultView);
  }

  /**
   * The bytes of one file of the result, as they come in. They are not checked: their SHA-256 is in the result.
   * A file takes as long as it takes, but between two pieces no longer than `timeoutMs`.
   */
  resultFile(
    operationId: string,
    name: string,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array> {
    return readBytes(this.transport, operation(operationId, `result/files/${encodeURIComponent(name)}`), options);
  }

  /** Everything about a checkpoint but the bytes of its files. */
  exportCheckpoint(checkpointId: string, options: ReadOptions = {}): Promise<CheckpointExport> {
    const path = checkpoint(checkpointId, 'export');
    return this.transport.request({ method: 'GET', path, answer: CheckpointExport, ...options });
  }

  /** The bytes of one file of a checkpoint, as {@link resultFile} gives those of a result. */
  checkpointFile(
    checkpointId: string,
    name: string,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array> {
    return readBytes(this.transport, checkpoint(checkpointId, `files/${encodeURIComponent(name)}`), options);
  }

  /** Sends one blob of a checkpoint that is going to be imported; the API checks its hash. Can be repeated. */
  async putBlob(sha256: string, bytes: Uint8Array): Promise<void> {
    await this.transport.request({ method: 'PUT', path: `checkpoints/blobs/${sha256}`, bytes, answer: z.null() });
  }

  /** Makes a paused operation of an exported checkpoint, whose blobs have been sent. */
  importCheckpoint(body: ImportBody): Promise<OperationView> {
    return this.post('operations/import', OperationView, body);
  }

  checkpoint(checkpointId: string, options: ReadOptions = {}): Promise<CheckpointView> {
    return this.transport.request({
      method: 'GET',
      path: checkpoint(checkpointId),
      answer: CheckpointView,
      ...options,
    });
  }

  /** Has every byte of the checkpoint hashed again. */
  verifyCheckpoint(checkpointId: string, options: ReadOptions = {}): Promise<VerifyView> {
    const path = checkpoint(checkpointId, 'verify');
    return this.transport.request({ method: 'POST', path, body: {}, answer: VerifyView, ...options });
  }

  pinCheckpoint(checkpointId: string): Promise<CheckpointView> {
    return this.post(checkpoint(checkpointId, 'pin'), CheckpointView);
  }

  unpinCheckpoint(checkpointId: string): Promise<CheckpointView> {
    return this.post(checkpoint(checkpointId, 'unpin'), CheckpointView);
  }

  /** `force` deletes even the last one that its operation can be resumed from. */
  async removeCheckpoint(checkpointId: string, { force = false } = {}): Promise<void> {
    await this.delete(checkpoint(checkpointId), force ? { force: 'true' } : {});
  }

  /** Removes what the limits do not keep; by default it only tells what that is. */
  cleanUpCheckpoints(limits: CleanupBody = {}): Promise<CleanupView> {
    return this.post('checkpoints/cleanup', CleanupView, limits);
  }

  checkpointStats(): Promise<CheckpointStats> {
    return this.read('checkpoints/stats', CheckpointStats);
  }

  workers(): Promise<WorkerPage> {
    return this.read('workers', WorkerPage);
  }

  /** Has the worker hand over what it runs and take nothing new; `draining: false` ends that. */
  drainWorker(workerId: string, body: DrainBody = {}): Promise<WorkerView> {
    return this.post(`workers/${encodeURIComponent(workerId)}/drain`, WorkerView, body);
  }

  /** A token with which new workers enrol; it is in this answer alone. */
  allowWorkers(body: EnrolmentBody = {}): Promise<EnrolmentCreatedView> {
    return this.post('workers/enrolments', EnrolmentCreatedView, body);
  }

  /** Lets that token make no further worker. */
  async withdrawEnrolment(enrolmentId: string): Promise<void> {
    await this.delete(`workers/enrolments/${encodeURIComponent(enrolmentId)}`);
  }

  /** The keys that count, of all workers or of one. */
  workerIdentities({ workerId }: { readonly workerId?: string } = {}): Promise<IdentityPage> {
    return this.read('workers/identities', IdentityPage, { worker_id: workerId });
  }

  /** Makes a key a worker. The client's token is one of an enrolment. */
  enrolWorker(body: IdentityBody, options: ReadOptions = {}): Promise<WorkerCredentialsView> {
    const path = 'workers/identities';
    return this.transport.request({ method: 'POST', path, body, answer: WorkerCredentialsView, ...options });
  }

  /** New credentials for a key. @param proof that its holder asks, as `Authorization: Nkey` takes it. */
  workerCredentials(nkey: string, proof: string, options: ReadOptions = {}): Promise<WorkerCredentialsView> {
    const path = `workers/identities/${encodeURIComponent(nkey)}/credentials`;
    const authorization = `Nkey ${proof}`;
    return this.transport.request({ method: 'POST', path, authorization, answer: WorkerCredentialsView, ...options });
  }

  /** From now on the API refuses whoever holds this key. */
  async revokeIdentity(nkey: string): Promise<void> {
    await this.delete(`workers/identities/${encodeURIComponent(nkey)}`);
  }

  /** The readiness report; an API that is not ready answers with a problem. */
  health(): Promise<Record<string, unknown>> {
    return this.read('health/ready', z.record(z.string(), z.unknown()));
  }

  /** Live events, surviving broken connections. */
  stream(options: StreamOptions = {}): AsyncGenerator<StreamItem> {
    return streamEvents(this.transport, options);
  }

  private read<Schema extends z.ZodType>(
    path: string,
    answer: Schema,
    query: Readonly<Record<string, string | number | undefined>> = {},
    options: ReadOptions = {},
  ): Promise<z.output<Schema>> {
    return this.transport.request({ method: 'GET', path, query, answer, ...options });
  }

  private post<Schema extends z.ZodType>(path: string, answer: Schema, body: unknown = {}): Promise<z.output<Schema>> {
    return this.transport.request({ method: 'POST', path, body, answer });
  }

  private delete(path: string, query: Readonly<Record<string, string>> = {}): Promise<unknown> {
    return this.transport.request({ method: 'DELETE', path, query, answer: z.unknown() });
  }
}

function operation(id: string, part = ''): string {
  return `operations/${encodeURIComponent(id)}${part && `/${part}`}`;
}

function checkpoint(id: string, part = ''): string {
  return `checkpoints/${encodeURIComponent(id)}${part && `/${part}`}`;
}

import {
  parametersOf,
  type Route,
  type RouteBody,
  type RouteParameters,
  type RouteQuery,
  type RouteReply,
  ROUTES,
  type WorkerCredentialsView,
} from '@ktrdr/contracts';
import { z } from 'zod';
import { readBytes } from './byte-stream.js';
import { type StreamItem, type StreamOptions, streamEvents } from './event-stream.js';
import { type ApiRequest, HttpTransport, type ReadOptions, type TransportOptions } from './http-transport.js';

export type ApiClientOptions = TransportOptions;

type Strings<Path extends string> = Path extends `${string}{${string}}${infer Rest}` ? [string, ...Strings<Rest>] : [];
type Given<Input> = [Input] extends [undefined] ? [] : object extends Input ? [input?: Input] : [input: Input];

/** The parameters of the path in their order, then the body or the query, then how to wait. */
type Call<R extends Route> = (
  ...given: [...Strings<R['path']>, ...Given<RouteBody<R>>, ...Given<RouteQuery<R>>, options?: ReadOptions]
) => Promise<RouteReply<R>>;

/**
 * The operations API with types: a method for each route. Every answer is checked against the contract and returned as it
 * was sent. All methods throw ApiProblemError, ApiUnreachableError or ApiContractError.
 */
export class ApiClient {
  private readonly transport: HttpTransport;

  readonly submit = this.calling(ROUTES.operations.submit);
  readonly list = this.calling(ROUTES.operations.list);
  readonly get = this.calling(ROUTES.operations.show);
  readonly remove = this.calling(ROUTES.operations.remove);
  readonly pause = this.calling(ROUTES.operations.pause);
  readonly resume = this.calling(ROUTES.operations.resume);
  readonly fork = this.calling(ROUTES.operations.fork);
  readonly cancel = this.calling(ROUTES.operations.cancel);
  readonly retry = this.calling(ROUTES.operations.retry);
  readonly prioritise = this.calling(ROUTES.operations.prioritise);
  readonly importCheckpoint = this.calling(ROUTES.operations.importCheckpoint);
  readonly resumeAll = this.calling(ROUTES.operations.resumeAll);
  readonly pauseAll = this.calling(ROUTES.operations.pauseAll);
  readonly cancelAll = this.calling(ROUTES.operations.cancelAll);
  readonly events = this.calling(ROUTES.operations.events);
  readonly history = this.calling(ROUTES.operations.history);
  readonly metrics = this.calling(ROUTES.operations.metrics);
  readonly explain = this.calling(ROUTES.operations.explain);
  readonly result = this.calling(ROUTES.operations.result);

  readonly checkpoints = this.calling(ROUTES.checkpoints.ofOperation);
  readonly checkpoint = this.calling(ROUTES.checkpoints.show);
  readonly exportCheckpoint = this.calling(ROUTES.checkpoints.exportOne);
  readonly verifyCheckpoint = this.calling(ROUTES.checkpoints.verify);
  readonly pinCheckpoint = this.calling(ROUTES.checkpoints.pin);
  readonly unpinCheckpoint = this.calling(ROUTES.checkpoints.unpin);
  readonly removeCheckpoint = this.calling(ROUTES.checkpoints.remove);
  readonly cleanUpCheckpoints = this.calling(ROUTES.checkpoints.cleanUp);
  readonly checkpointStats = this.calling(ROUTES.checkpoints.stats);

  readonly workers = this.calling(ROUTES.workers.list);
  readonly drainWorker = this.calling(ROUTES.workers.drain);
  readonly allowWorkers = this.calling(ROUTES.workers.allow);
  readonly withdrawEnrolment = this.calling(ROUTES.workers.withdraw);
  readonly workerIdentities = this.calling(ROUTES.workers.identities);
  /** The client's token is one of an enrolment. */
  readonly enrolWorker = this.calling(ROUTES.workers.enrol);
  readonly revokeIdentity = this.calling(ROUTES.workers.revoke);

  /** An API that is not ready answers with a problem. */
  readonly health = this.calling(ROUTES.health.ready);

  constructor(options: ApiClientOptions) {
    this.transport = new HttpTransport(options);
  }

  /** The API's address, without a trailing slash. */
  get url(): string {
    return this.transport.address();
  }

  /**
   * The bytes of one file of the result, as they come in. They are not checked: their SHA-256 is in the result.
   * A file takes as long as it takes, but between two pieces no longer than `timeoutMs`.
   */
  resultFile(id: string, name: string, options: Pick<ReadOptions, 'signal'> = {}): AsyncGenerator<Uint8Array> {
    return readBytes(this.transport, pathOf(ROUTES.operations.resultFile, { id, name }), options);
  }

  /** The bytes of one file of a checkpoint, as {@link resultFile} gives those of a result. */
  checkpointFile(id: string, name: string, options: Pick<ReadOptions, 'signal'> = {}): AsyncGenerator<Uint8Array> {
    return readBytes(this.transport, pathOf(ROUTES.checkpoints.file, { id, name }), options);
  }

  /** Sends one blob of a checkpoint that is going to be imported; the API checks its hash. Can be repeated. */
  async putBlob(sha256: string, bytes: Uint8Array): Promise<void> {
    const path = pathOf(ROUTES.checkpoints.putBlob, { sha256 });
    await this.transport.request({ method: 'PUT', path, bytes, answer: z.null() });
  }

  /** New credentials for a key. @param proof that its holder asks, as `Authorization: Nkey` takes it. */
  workerCredentials(nkey: string, proof: string, options: ReadOptions = {}): Promise<WorkerCredentialsView> {
    const { method, reply: answer } = ROUTES.workers.credentials;
    const path = pathOf(ROUTES.workers.credentials, { nkey });
    return this.transport.request({ method, path, authorization: `Nkey ${proof}`, answer, ...options });
  }

  /** Live events, surviving broken connections. */
  stream(options: StreamOptions = {}): AsyncGenerator<StreamItem> {
    return streamEvents(this.transport, options);
  }

  private calling<R extends Route>(route: R): Call<R> {
    const names = parametersOf(route.path);
    const { method, reply, body, query } = route;
    return (async (...given: readonly unknown[]) => {
      const values = Object.fromEntries(names.map((name, place) => [name, given[place]])) as RouteParameters<R>;
      const [input, options] = body || query ? given.slice(names.length) : [undefined, given[names.length]];
      const answer = await this.transport.request({
        method,
        path: pathOf(route, values),
        answer: reply ?? z.unknown(),
        ...(method === 'POST' ? { body: input ?? {} } : { query: input as ApiRequest<z.ZodType>['query'] }),
        ...(options as ReadOptions | undefined),
      });
      return reply ? answer : undefined;
    }) as Call<R>;
  }
}

function pathOf<R extends Route>({ path }: R, values: RouteParameters<R>): string {
  const known: Readonly<Record<string, string>> = values;
  return path.replaceAll(/\{(\w+)\}/g, (_braces, name: string) => encodeURIComponent(known[name] ?? ''));
}

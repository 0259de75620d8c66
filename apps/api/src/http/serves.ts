import {
  createParamDecorator,
  Delete,
  type ExecutionContext,
  Get,
  Header,
  HttpCode,
  Post,
  Put,
  SetMetadata,
} from '@nestjs/common';
import type { ParsedBody, ParsedQuery, Route, RouteParameters, RouteReply } from '@ktrdr/contracts';
import type { ApiTokenRecord } from '@ktrdr/operations-prisma';
import type { FastifyRequest } from 'fastify';
import { isDeclared, patternOf } from './declared-routes.js';
import { parsePart } from './validation.js';

const ROUTE = 'ktrdr:route';
const VERBS = { GET: Get, POST: Post, PUT: Put, DELETE: Delete };

/** A request whose token the guard has recognised. */
export interface AuthenticatedRequest extends FastifyRequest {
  apiToken?: ApiTokenRecord;
}

/** A request as its route describes it: the parameters of the path, and what was parsed. */
export type Asked<R extends Route> = RouteParameters<R> & {
  readonly query: ParsedQuery<R>;
  readonly body: ParsedBody<R>;
  /** Who asks, as history rows name them. */
  readonly actor: string;
  /** Kept with the operation, so that a submission repeated after a crash finds what the first one made. */
  readonly submissionKey: string | null;
  readonly headers: FastifyRequest['headers'];
};

type Handler<R extends Route> = (asked: Asked<R>, ...rest: never[]) => RouteReply<R> | Promise<RouteReply<R>>;

/**
 * Serves a declared route: its method takes the parsed request and gives the declared reply.
 * @throws {Error} when the route is not one of ROUTES
 */
export function Serves<R extends Route>(route: R) {
  return <H extends Handler<R>>(target: object, name: string, descriptor: TypedPropertyDescriptor<H>): void => {
    if (!isDeclared(route)) throw new Error(`${route.method} ${route.path} is not declared in ROUTES`);
    VERBS[route.method](patternOf(route.path))(target, name, descriptor);
    HttpCode(route.status)(target, name, descriptor);
    if (route.contentType) Header('Content-Type', route.contentType)(target, name, descriptor);
    SetMetadata(ROUTE, route)(target, name, descriptor);
    AskedOf(route)(target, name, 0);
  };
}

/** The route that a request is for. */
export function routeOf(context: ExecutionContext): Route | undefined {
  return Reflect.getMetadata(ROUTE, context.getHandler()) as Route | undefined;
}

const AskedOf = createParamDecorator((route: Route, context: ExecutionContext) => {
  const { params, query, body, headers, apiToken, url } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  const key = headers['idempotency-key'];
  return {
    ...(params as object),
    query: route.query ? parsePart(route.query, query, 'query') : query,
    body: route.body ? parsePart(route.body, body, 'body') : body,
    actor: `client:${apiToken?.name ?? 'unknown'}`,
    submissionKey: typeof key === 'string' ? `${apiToken?.id} ${url.split('?')[0]} ${key}` : null,
    headers,
  };
});

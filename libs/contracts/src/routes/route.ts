import type { z } from 'zod';

/**
 * Who may call a route: anyone, the holder of an API token, the holder of an enrolment token (`Bearer TOKEN`), or the
 * worker that signs with its own key (`Nkey AT.SIGNATURE`).
 */
export type Access = 'public' | 'token' | 'enrolment' | 'worker-key';

/** An endpoint. The API serves and validates by it, `/openapi.json` describes it, and the client calls it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With its parameters in braces: `/operations/{id}`. */
  readonly path: `/${string}`;
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** It takes bytes (application/octet-stream) in place of a JSON body. */
  readonly takesBytes?: true;
  /** Of success. */
  readonly status: number;
  /** Where its reply is not JSON. */
  readonly contentType?: string;
  readonly reply?: z.ZodType;
  /** Statuses of refusals beside 400, 401, 413, 415 and 503, which any request can meet. */
  readonly problems: readonly number[];
  readonly access: Access;
  /** It takes no `Idempotency-Key`: its reply is a secret, which is not stored. */
  readonly isUnkeyed?: true;
}

const DEFAULTS = { status: 200, problems: [], access: 'token' } as const;
type Declared = Omit<Route, keyof typeof DEFAULTS> & Partial<Pick<Route, keyof typeof DEFAULTS>>;

/** Declares an endpoint: 200, no refusals of its own and an API token, unless it says otherwise. */
export function route<const R extends Declared>(declared: R): Omit<typeof DEFAULTS, keyof R> & R {
  return { ...DEFAULTS, ...declared };
}

type ParameterName<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterName<Rest>
  : never;

/** The values of a route's path, by the names of its parameters. */
export type RouteParameters<R extends Route> = Readonly<Record<ParameterName<R['path']>, string>>;
/** What a client sends as the body; the API fills in the defaults. */
export type RouteBody<R> = R extends { readonly body: infer Schema extends z.ZodType } ? z.input<Schema> : undefined;
/** The body with its defaults filled in. */
export type ParsedBody<R> = R extends { readonly body: infer Schema extends z.ZodType } ? z.output<Schema> : unknown;
export type RouteQuery<R> = R extends { readonly query: infer Schema extends z.ZodType } ? z.input<Schema> : undefined;
export type ParsedQuery<R> = R extends { readonly query: infer Schema extends z.ZodType } ? z.output<Schema> : unknown;
export type RouteReply<R> = R extends { readonly reply: infer Schema extends z.ZodType }
  ? z.output<Schema>
  : R extends { readonly contentType: string }
    ? unknown
    : void;

/** The names of a path's parameters, in their order. */
export function parametersOf(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
}

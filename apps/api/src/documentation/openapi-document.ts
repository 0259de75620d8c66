import { type Access, parametersOf, Problem, type Route, ROUTES } from '@ktrdr/contracts';
import { ProcessTrainingSpec, TrainingSpec } from '@ktrdr/specs';
import { STATUS_CODES } from 'node:http';
import { z } from 'zod';

const ALWAYS_POSSIBLE = [401, 503];
const WITH_BODY = [400, 413, 415];

/** JSON Schema of the document that describes a training. */
export function trainingSpecSchema(): Record<string, unknown> {
  return {
    title: 'ktrdr training spec',
    ...z.toJSONSchema(TrainingSpec, { io: 'input', unrepresentable: 'any' }),
  };
}

/** JSON Schema of the document that describes a training by a program of one's own. */
export function processTrainingSpecSchema(): Record<string, unknown> {
  return {
    title: 'ktrdr process training spec',
    ...z.toJSONSchema(ProcessTrainingSpec, { io: 'input', unrepresentable: 'any' }),
  };
}

/** OpenAPI 3.1, made from the same zod schemas that check requests and type replies. */
export function openApiDocument(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [tag, routes] of Object.entries(ROUTES)) {
    for (const route of Object.values<Route>(routes)) {
      paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(tag, route) };
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'ktrdr',
      version,
      description: 'Operations that can be stopped anywhere and continued anywhere, with the same result.',
    },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: schemaOf(Problem, 'output') },
    },
  };
}

function operationOf(tag: string, route: Route): Record<string, unknown> {
  const { method, path, summary, query, body, takesBytes, status, contentType, reply, problems, access } = route;
  const failures = [
    ...(access === 'public' ? [503] : ALWAYS_POSSIBLE),
    ...(body ? WITH_BODY : []),
    ...(query ? [400] : []),
    ...problems,
  ];
  const mediaType = contentType?.split(';')[0] ?? 'application/json';
  return {
    tags: [tag],
    summary,
    operationId: `${method.toLowerCase()} ${path}`.replaceAll(/[^a-z]+/gi, '_').replace(/_$/, ''),
    ...(access === 'token' ? {} : { security: [] }),
    parameters: [...pathParameters(path), ...(query ? queryParameters(query) : []), ...headerParameters(route)],
    ...(body ? { requestBody: { content: { 'application/json': { schema: schemaOf(body, 'input') } } } } : {}),
    ...(takesBytes ? { requestBody: { required: true, content: { 'application/octet-stream': {} } } } : {}),
    responses: {
      [status]: {
        description: STATUS_CODES[status],
        ...(reply || contentType
          ? { content: { [mediaType]: reply ? { schema: schemaOf(reply, 'output') } : {} } }
          : {}),
      },
      ...Object.fromEntries(
        [...new Set(failures)].toSorted().map((failure) => [
          failure,
          {
            description: STATUS_CODES[failure],
            content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
          },
        ]),
      ),
    },
  };
}

function pathParameters(path: string) {
  return parametersOf(path).map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

function queryParameters(query: z.ZodObject) {
  const { properties = {}, required = [] } = schemaOf(query, 'input') as {
    properties?: Record<string, object>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

/** What the header carries where it is not a token of the API. */
const PROOFS: Readonly<Partial<Record<Access, string>>> = {
  enrolment: 'Bearer and an enrolment token',
  'worker-key':
    'Nkey AT.SIGNATURE: seconds from the epoch, at most 60 from the clock of the API, and in base64url ' +
    'the Ed25519 signature of the key over "ktrdr-credentials:NKEY:AT"',
};

function headerParameters({ method, path, access, isUnkeyed }: Route) {
  const proof = PROOFS[access];
  if (proof !== undefined)
    return [{ name: 'Authorization', in: 'header', required: true, description: proof, schema: { type: 'string' } }];
  if (method === 'POST' && !isUnkeyed)
    return [
      {
        name: 'Idempotency-Key',
        in: 'header',
        required: false,
        description: 'Sent again with the same body, the request has no second effect and gets the first answer',
        schema: { type: 'string', minLength: 1, maxLength: 255 },
      },
    ];
  if (path === ROUTES.events.stream.path)
    return [
      {
        name: 'Last-Event-ID',
        in: 'header',
        required: false,
        description: 'Continue behind this event',
        schema: { type: 'string' },
      },
    ];
  return [];
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

import { Problem } from '@ktrdr/contracts';
import { ProcessTrainingSpec, TrainingSpec } from '@ktrdr/specs';
import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import type { DocumentedRoute } from './documented-route.js';
import { ROUTES } from './routes.js';

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
  for (const route of ROUTES) {
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) };
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

function operationOf(route: DocumentedRoute): Record<string, unknown> {
  const { method, path, tag, summary, query, body, success, problems = [], isPublic, proof } = route;
  const failures = [
    ...(isPublic ? [503] : ALWAYS_POSSIBLE),
    ...(body ? WITH_BODY : []),
    ...(query ? [400] : []),
    ...problems,
  ];
  return {
    tags: [tag],
    summary,
    operationId: `${method} ${path}`.replaceAll(/[^a-z]+/gi, '_').replace(/_$/, ''),
    ...(isPublic || proof !== undefined ? { security: [] } : {}),
    parameters: [...pathParameters(path), ...(query ? queryParameters(query) : []), ...headerParameters(route)],
    ...(body ? { requestBody: { content: { 'application/json': { schema: schemaOf(body, 'input') } } } } : {}),
    responses: {
      [success.status]: {
        description: STATUS_CODES[success.status],
        ...(success.schema ? { content: { 'application/json': { schema: schemaOf(success.schema, 'output') } } } : {}),
        ...(success.contentType ? { content: { [success.contentType]: {} } } : {}),
      },
      ...Object.fromEntries(
        [...new Set(failures)].toSorted().map((status) => [
          status,
          {
            description: STATUS_CODES[status],
            content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
          },
        ]),
      ),
    },
  };
}

function pathParameters(path: string) {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
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

function headerParameters({ method, path, proof, isUnkeyed }: DocumentedRoute) {
  if (proof !== undefined)
    return [{ name: 'Authorization', in: 'header', required: true, description: proof, schema: { type: 'string' } }];
  if (method === 'post' && !isUnkeyed)
    return [
      {
        name: 'Idempotency-Key',
        in: 'header',
        required: false,
        description: 'Sent again with the same body, the request has no second effect and gets the first answer',
        schema: { type: 'string', minLength: 1, maxLength: 255 },
      },
    ];
  if (path === '/events')
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

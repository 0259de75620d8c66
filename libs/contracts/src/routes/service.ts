import { z } from 'zod';
import { OperationId } from '../fields.js';
import { route } from './route.js';

const Anything = z.looseObject({});
const Health = z.looseObject({ status: z.string() });

export const events = {
  stream: route({
    method: 'GET',
    path: '/events',
    summary: 'Live stream (server-sent events): a snapshot, then what changes; Last-Event-ID continues without a gap',
    query: z.strictObject({
      operation_id: OperationId.optional().describe('only this operation; without it, all of them'),
    }),
    contentType: 'text/event-stream',
    problems: [404, 422],
  }),
};

export const health = {
  metrics: route({
    method: 'GET',
    path: '/metrics',
    summary: 'Prometheus metrics',
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
  }),
  live: route({
    method: 'GET',
    path: '/health/live',
    summary: 'This process answers',
    reply: Health,
    access: 'public',
  }),
  ready: route({
    method: 'GET',
    path: '/health/ready',
    summary: 'Everything that it needs answers too; 503 names the part that does not',
    reply: Health,
    access: 'public',
  }),
};

export const documentation = {
  openApi: route({ method: 'GET', path: '/openapi.json', summary: 'This document', reply: Anything }),
  trainingSpec: route({
    method: 'GET',
    path: '/schemas/training-spec.json',
    summary: 'JSON Schema of a training spec',
    contentType: 'application/schema+json; charset=utf-8',
    reply: Anything,
  }),
  processTrainingSpec: route({
    method: 'GET',
    path: '/schemas/process-training-spec.json',
    summary: 'JSON Schema of a training by a program of your own',
    contentType: 'application/schema+json; charset=utf-8',
    reply: Anything,
  }),
};

import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

/** The page asks for a token and reads `/openapi.json` with it; by itself it shows nothing of this deployment. */
const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>ktrdr API</title><link rel="stylesheet" href="/docs/assets/swagger-ui.css"></head>
<body><div id="docs"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/page.js"></script>
</body></html>
`;

const SCRIPT = `const name = 'ktrdr-token';
const token = sessionStorage.getItem(name) ?? prompt('API token') ?? '';
sessionStorage.setItem(name, token);
SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  requestInterceptor: (request) => {
    request.headers.Authorization = 'Bearer ' + token;
    return request;
  },
  responseInterceptor: (response) => {
    if (response.status === 401) sessionStorage.removeItem(name);
    return response;
  },
});
`;

/** `/docs`: the API's description, readable and tryable. */
export async function serveDocsPage(fastify: FastifyInstance): Promise<void> {
  const root = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  await fastify.register(fastifyStatic, {
    root,
    prefix: '/docs/assets/',
    allowedPath: (path) => /^\/swagger-ui(-bundle\.js|\.css)$/.test(path),
  });
  fastify.get('/docs', (_request, reply) => reply.type('text/html; charset=utf-8').send(PAGE));
  fastify.get('/docs/page.js', (_request, reply) => reply.type('text/javascript; charset=utf-8').send(SCRIPT));
}

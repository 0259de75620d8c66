import { type Route, ROUTES } from '@ktrdr/contracts';
import type { FastifyInstance } from 'fastify';

const DECLARED: readonly Route[] = Object.values(ROUTES).flatMap((group) => Object.values<Route>(group));
const ADDRESSES = new Set(DECLARED.map(addressOf));
const TAKE_BYTES = new Set(DECLARED.filter(({ takesBytes }) => takesBytes).map(addressOf));

export function isDeclared(route: Route): boolean {
  return DECLARED.includes(route);
}

/** Whether the body of such a request is bytes rather than JSON. */
export function takesBytes(method: string, pattern: string | undefined): boolean {
  return TAKE_BYTES.has(`${method} ${pattern}`);
}

/** The path as the router writes it: `/operations/:id`. */
export function patternOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

/** From now on no route can be added that is not in ROUTES. */
export function refuseUndeclaredRoutes(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const verb of [method].flat()) {
      const asked = verb === 'HEAD' ? 'GET' : verb; // each GET answers HEAD too
      if (!ADDRESSES.has(`${asked} ${url}`)) throw new Error(`${verb} ${url} is not declared in ROUTES`);
    }
  });
}

function addressOf({ method, path }: Route): string {
  return `${method} ${patternOf(path)}`;
}

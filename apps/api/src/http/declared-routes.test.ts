import { ROUTES } from '@ktrdr/contracts';
import { fastify } from 'fastify';
import { refuseUndeclaredRoutes } from './declared-routes.js';
import { Serves } from './serves.js';

describe('a route that is not declared', () => {
  it('cannot be added to the server', () => {
    const server = fastify();
    refuseUndeclaredRoutes(server);
    expect(() => server.get('/operations/:id', () => null)).not.toThrow();
    expect(() => server.get('/secrets', () => null)).toThrow('GET /secrets is not declared in ROUTES');
    expect(() => server.put('/operations/:id', () => null)).toThrow('PUT /operations/:id is not declared in ROUTES');
  });

  it('cannot be served by a controller', () => {
    class Controller {
      serve() {
        return { status: 'ok' };
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Controller.prototype, 'serve');
    const twin = { ...ROUTES.health.live };
    expect(() => Serves(twin)(Controller.prototype, 'serve', descriptor ?? {})).toThrow('GET /health/live');
    expect(() => Serves(ROUTES.health.live)(Controller.prototype, 'serve', descriptor ?? {})).not.toThrow();
  });
});

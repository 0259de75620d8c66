import { Controller, Inject } from '@nestjs/common';
import { ROUTES } from '@ktrdr/contracts';
import { Serves } from '../http/serves.js';
import { Readiness } from './readiness.js';

/** `live`: this process answers. `ready`: everything that it needs answers too, each part named. */
@Controller()
export class HealthController {
  constructor(@Inject(Readiness) private readonly readiness: Readiness) {}

  @Serves(ROUTES.health.live)
  live() {
    return { status: 'ok' };
  }

  @Serves(ROUTES.health.ready)
  ready() {
    return this.readiness.check();
  }
}

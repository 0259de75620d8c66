import { Controller, Get, HttpCode, Inject } from '@nestjs/common';
import { Public } from '../http/bearer-token.guard.js';
import { Readiness } from './readiness.js';

/** `live`: this process answers. `ready`: everything that it needs answers too, each part named. */
@Controller('health')
@Public()
export class HealthController {
  constructor(@Inject(Readiness) private readonly readiness: Readiness) {}

  @Get('live')
  @HttpCode(200)
  live() {
    return { status: 'ok' };
  }

  @Get('ready')
  ready() {
    return this.readiness.check();
  }
}

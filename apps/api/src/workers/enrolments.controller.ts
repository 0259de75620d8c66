import { Body, Controller, Delete, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { EnrolmentBody, type EnrolmentCreatedView } from '@ktrdr/contracts';
import type { z } from 'zod';
import { actorOf, type AuthenticatedRequest } from '../http/bearer-token.guard.js';
import { Unkeyed } from '../http/idempotency.interceptor.js';
import { zod } from '../http/zod.pipe.js';
import { WorkerEnrolment } from './worker-enrolment.js';

@Controller('workers/enrolments')
export class EnrolmentsController {
  constructor(@Inject(WorkerEnrolment) private readonly enrolment: WorkerEnrolment) {}

  /** The token is shown this once. */
  @Post()
  @HttpCode(201)
  @Unkeyed()
  async create(
    @Req() request: AuthenticatedRequest,
    @Body(zod(EnrolmentBody)) body: z.output<typeof EnrolmentBody>,
  ): Promise<EnrolmentCreatedView> {
    const { enrolment, expiresAt } = await this.enrolment.allow(body, actorOf(request));
    return {
      enrolment_id: enrolment.id,
      token: enrolment.token,
      pool: enrolment.pool,
      worker_id: enrolment.workerId,
      uses: enrolment.uses,
      expires_at: expiresAt.toISOString(),
    };
  }

  @Delete(':id')
  @HttpCode(204)
  withdraw(@Param('id') id: string): Promise<void> {
    return this.enrolment.withdraw(id);
  }
}

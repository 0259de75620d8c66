import { Body, Controller, Delete, Get, Headers, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { IdentityBody, type IdentityPage, IdentityQuery, type WorkerCredentialsView } from '@ktrdr/contracts';
import { WorkerIdentityStore } from '@ktrdr/operations-prisma';
import type { z } from 'zod';
import { Public } from '../http/bearer-token.guard.js';
import { Unkeyed } from '../http/idempotency.interceptor.js';
import { zod } from '../http/zod.pipe.js';
import { WorkerEnrolment } from './worker-enrolment.js';

@Controller('workers/identities')
export class IdentitiesController {
  constructor(
    @Inject(WorkerEnrolment) private readonly enrolment: WorkerEnrolment,
    @Inject(WorkerIdentityStore) private readonly store: WorkerIdentityStore,
  ) {}

  @Get()
  async list(
    @Query(zod(IdentityQuery, 'query')) { worker_id: workerId }: z.output<typeof IdentityQuery>,
  ): Promise<IdentityPage> {
    const identities = await this.store.list({ workerId });
    return {
      items: identities.map(({ nkey, workerId: worker_id, pool, createdAt }) => ({
        nkey,
        worker_id,
        pool,
        created_at: createdAt.toISOString(),
      })),
    };
  }

  /** Asked by machines that have an enrolment token and no token of the API. */
  @Post()
  @HttpCode(200)
  @Public()
  @Unkeyed()
  enrol(
    @Headers('authorization') authorization: string | undefined,
    @Body(zod(IdentityBody)) body: z.output<typeof IdentityBody>,
  ): Promise<WorkerCredentialsView> {
    return this.enrolment.enrol(authorization, body);
  }

  /** Asked by workers, which prove that they have the key. */
  @Post(':nkey/credentials')
  @HttpCode(200)
  @Public()
  @Unkeyed()
  credentials(
    @Headers('authorization') authorization: string | undefined,
    @Param('nkey') nkey: string,
  ): Promise<WorkerCredentialsView> {
    return this.enrolment.renew(authorization, nkey);
  }

  @Delete(':nkey')
  @HttpCode(204)
  revoke(@Param('nkey') nkey: string): Promise<void> {
    return this.enrolment.revoke(nkey);
  }
}

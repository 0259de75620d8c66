import { Controller, Inject } from '@nestjs/common';
import { type IdentityPage, ROUTES, type WorkerCredentialsView } from '@ktrdr/contracts';
import { WorkerIdentityStore } from '@ktrdr/operations-prisma';
import { type Asked, Serves } from '../http/serves.js';
import { WorkerEnrolment } from './worker-enrolment.js';

const routes = ROUTES.workers;

@Controller()
export class IdentitiesController {
  constructor(
    @Inject(WorkerEnrolment) private readonly enrolment: WorkerEnrolment,
    @Inject(WorkerIdentityStore) private readonly store: WorkerIdentityStore,
  ) {}

  @Serves(routes.identities)
  async list({ query }: Asked<typeof routes.identities>): Promise<IdentityPage> {
    const identities = await this.store.list({ workerId: query.worker_id });
    return {
      items: identities.map(({ nkey, workerId: worker_id, pool, createdAt }) => ({
        nkey,
        worker_id,
        pool,
        created_at: createdAt.toISOString(),
      })),
    };
  }

  @Serves(routes.enrol)
  enrol({ headers, body }: Asked<typeof routes.enrol>): Promise<WorkerCredentialsView> {
    return this.enrolment.enrol(headers.authorization, body);
  }

  @Serves(routes.credentials)
  credentials({ headers, nkey }: Asked<typeof routes.credentials>): Promise<WorkerCredentialsView> {
    return this.enrolment.renew(headers.authorization, nkey);
  }

  @Serves(routes.revoke)
  revoke({ nkey }: Asked<typeof routes.revoke>): Promise<void> {
    return this.enrolment.revoke(nkey);
  }
}

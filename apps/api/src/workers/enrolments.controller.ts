import { Controller, Inject } from '@nestjs/common';
import { type EnrolmentCreatedView, ROUTES } from '@ktrdr/contracts';
import { type Asked, Serves } from '../http/serves.js';
import { WorkerEnrolment } from './worker-enrolment.js';

const routes = ROUTES.workers;

@Controller()
export class EnrolmentsController {
  constructor(@Inject(WorkerEnrolment) private readonly enrolment: WorkerEnrolment) {}

  /** The token is shown this once. */
  @Serves(routes.allow)
  async create({ body, actor }: Asked<typeof routes.allow>): Promise<EnrolmentCreatedView> {
    const { enrolment, expiresAt } = await this.enrolment.allow(body, actor);
    return {
      enrolment_id: enrolment.id,
      token: enrolment.token,
      pool: enrolment.pool,
      worker_id: enrolment.workerId,
      uses: enrolment.uses,
      expires_at: expiresAt.toISOString(),
    };
  }

  @Serves(routes.withdraw)
  withdraw({ id }: Asked<typeof routes.withdraw>): Promise<void> {
    return this.enrolment.withdraw(id);
  }
}

import type { EnrolmentCreatedView } from '@ktrdr/contracts';
import { Flags } from '@oclif/core';
import { given, parseSeconds } from '../../flags/flag-values.js';
import { ApiCommand } from '../api-command.js';
import { renderEnrolment } from '../../render/workers.js';

export default class WorkersEnrol extends ApiCommand {
  static override summary = 'make a token with which new workers of a pool enrol';
  static override examples = [
    '<%= config.bin %> workers enrol',
    '<%= config.bin %> workers enrol --pool gpu --uses 8 --expires-in 2d',
  ];
  static override flags = {
    pool: Flags.string({ description: 'pool that these workers take work of', default: 'default' }),
    'worker-id': Flags.string({ description: 'the only worker that it is for' }),
    uses: Flags.integer({ description: 'how many workers it makes', default: 1 }),
    'expires-in': Flags.string({ description: 'how long it can be used: 30min, 1h or 2d', default: '1h' }),
  };

  async run(): Promise<EnrolmentCreatedView> {
    const { flags } = await this.parse(WorkersEnrol);
    const expires_in = parseSeconds('expires-in', flags['expires-in']);
    const api = await this.connect(flags);
    const { pool, uses } = flags;
    const enrolment = await api.allowWorkers({ pool, uses, expires_in, ...given({ worker_id: flags['worker-id'] }) });
    this.show(renderEnrolment(enrolment, api.url));
    return enrolment;
  }
}

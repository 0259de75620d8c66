import type { IdentityView } from '@ktrdr/contracts';
import { Args } from '@oclif/core';
import { ApiCommand } from '../api-command.js';
import { KeylessWorkerError } from '../../errors/errors.js';
import { renderRevoked } from '../../render/workers.js';

export default class WorkersRevoke extends ApiCommand {
  static override args = { worker: Args.string({ description: 'worker id', required: true }) };
  static override summary = 'refuse a worker from now on, and free its id';
  static override examples = ['<%= config.bin %> workers revoke WORKER'];

  async run(): Promise<IdentityView> {
    const { args, flags } = await this.parse(WorkersRevoke);
    const api = await this.connect(flags);
    const [identity] = (await api.workerIdentities({ worker_id: args.worker })).items;
    if (!identity) throw new KeylessWorkerError(args.worker);
    await api.revokeIdentity(identity.nkey);
    this.show(renderRevoked(identity));
    return identity;
  }
}

import type pg from 'pg';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Services } from '../../../support/given-services.js';
import { httpOf } from '../../../support/http.js';
import { smallSpec } from '../../../support/specs.js';
import { Actors } from './actors.js';
import type { ApiInProcess } from './api-in-process.js';
import type { ModelOperation } from './model.js';
import { ModelRun, type RunParts } from './model-run.js';
import { Participants } from './participants.js';
import { recordsOf } from './record.js';
import type { Sequence } from './step.js';
import { Uploads } from './uploads.js';

/** Retention has its own tests; here nothing is let go of. */
const SPEC = smallSpec({ backend: 'auto', checkpoint: { every_epochs: 1, keep_last: 1000 } });

/** Makes the runs of one test file: each in a pool of its own, so that nobody claims another's operations. */
export async function givenRuns(
  services: Services,
  api: ApiInProcess,
  onAction: RunParts['onAction'] = () => undefined,
) {
  const http = httpOf(api);
  const database: pg.Client = await services.database();
  const folder = join(services.folder, 'model');
  await mkdir(folder, { recursive: true });
  const uploads = new Uploads(api.uploads, api.objects, folder);
  let runs = 0;

  return {
    database,
    async run({ operations, steps }: Sequence): Promise<void> {
      runs += 1;
      const pool = `model-${runs}`;
      const world = new Map<string, ModelOperation>();
      for (const [place, { maxRecoveries, priority }] of operations.entries()) {
        const body = { pool, priority, max_recoveries: maxRecoveries, spec: SPEC };
        const reply = await http.post('/operations', body);
        if (reply.status !== 201) throw new Error(`the submission was refused: ${JSON.stringify(reply.body)}`);
        const id = String(reply.body['operation_id']);
        world.set(id, submitted({ id, priority, place, maxRecoveries }));
      }
      const participants = new Participants(pool, [...world.keys()], uploads);
      const actors = new Actors(api, http, uploads, pool);
      const parts = { api, http, database, actors, participants, uploads, pool, onAction };
      const run = new ModelRun(parts, world, await recordsOf(database, pool));
      for (const step of steps) await run.take(step);
      await run.comeToRest();
    },
  };
}

function submitted(given: Pick<ModelOperation, 'id' | 'priority' | 'place' | 'maxRecoveries'>): ModelOperation {
  return {
    ...given,
    status: 'queued',
    version: 1,
    workerId: null,
    hasLeaseExpired: false,
    recoveries: 0,
    trained: null,
    resumeFrom: null,
    isPinned: false,
    checkpoints: [],
    attempts: [],
    told: [],
  };
}

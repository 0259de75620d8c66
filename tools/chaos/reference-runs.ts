import type { OperationView } from '@ktrdr/contracts';
import { z } from 'zod';
import type { Clients } from './clients.js';
import type { Reference } from './invariants.js';
import type { RecordReader } from './operation-record.js';
import { tryUntil } from './pause.js';
import { type Training, withEpochs } from './trainings.js';

/** A training of the right size, and what it comes to when nobody disturbs it. */
export interface ReferenceRun {
  readonly operationId: string;
  readonly training: Training;
  readonly reference: Reference;
  readonly epochs: number;
  readonly seconds: number;
}

const Result = z.looseObject({ weights_sha256: z.string(), ledger_sha256: z.string(), steps: z.int() });
/** Enough that what the first steps take longer does not count. */
const TRIAL_EPOCHS = 12;
const FEWEST_EPOCHS = 4;
const DEADLINE_MS = 300_000;

export interface ReferenceParts {
  readonly clients: Clients;
  readonly reader: RecordReader;
  readonly signal: AbortSignal;
}

/** Measures how fast this machine is, sizes the trainings to `seconds` each, and runs each of them undisturbed. */
export async function runReferences(
  trainings: readonly Training[],
  seconds: number,
  parts: ReferenceParts,
): Promise<readonly ReferenceRun[]> {
  const trials = await Promise.all(
    trainings.map(async (training) => {
      const { id, ms } = await runAlone(withEpochs(training, TRIAL_EPOCHS), 'trial', parts);
      return { training, id, msPerEpoch: ms / TRIAL_EPOCHS };
    }),
  );
  return Promise.all(
    trials.map(async ({ training, msPerEpoch }) => {
      const epochs = Math.max(FEWEST_EPOCHS, Math.round((seconds * 1000) / msPerEpoch));
      const sized = withEpochs(training, epochs);
      const { id: operationId, view, ms } = await runAlone(sized, 'reference', parts);
      const { weights_sha256, ledger_sha256, steps } = Result.parse(view.result);
      const reference = { weightsSha256: weights_sha256, ledgerSha256: ledger_sha256, steps };
      return { operationId, training: sized, reference, epochs, seconds: ms / 1000 };
    }),
  );
}

async function runAlone({ name, spec }: Training, purpose: string, { clients, reader, signal }: ReferenceParts) {
  const { operation_id: id } = await clients.next().submit({ name: `${purpose}: ${name}`, spec });
  const view = await tryUntil(
    async () => {
      const seen = await clients.tryShow(id);
      return seen && isOver(seen) ? seen : undefined;
    },
    { deadlineMs: DEADLINE_MS, signal },
  );
  signal.throwIfAborted();
  if (view?.status !== 'completed' || view.attempt !== 1) {
    const end = view ? `${view.status} after ${view.attempt} attempts` : 'not completed in time';
    throw new Error(
      `The ${purpose} run of "${name}" is ${end}, though nobody disturbed it: ${JSON.stringify(view?.error)}`,
    );
  }
  return { id, view, ms: await reader.trainingMs(id) };
}

function isOver({ status }: OperationView): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

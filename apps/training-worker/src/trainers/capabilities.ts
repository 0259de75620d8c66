import type { TrainerReady } from './ports.js';
import type { TrainerPool } from './trainer-pool.js';

/** The capabilities of this worker, as its trainers name them; without those of the built-in one when the signal aborts. */
export async function capabilitiesOf(
  trainers: Pick<TrainerPool, 'idle'>,
  { allowsPrograms, signal }: { readonly allowsPrograms: boolean; readonly signal: AbortSignal },
): Promise<string[]> {
  const aborted = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));
  const idle = trainers.idle();
  idle.catch(() => undefined);
  const trainer = signal.aborted ? null : await Promise.race([idle, aborted]);
  return [...(trainer ? capabilitiesFrom(trainer.ready) : []), ...(allowsPrograms ? ['trainer:process'] : [])];
}

/**
 * What an operation may require of a worker (`type:…`, `backend:…`), and the versions that would run it
 * (`trainer:NAME@VERSION`, `backend:NAME@VERSION`): a resume compares them with its checkpoint beforehand.
 */
export function capabilitiesFrom(ready: TrainerReady): string[] {
  const { operation_types: types, backends, backend_versions: versions = {}, trainer, version } = ready;
  return [
    ...types.map((type) => `type:${type}`),
    ...backends.map((backend) => `backend:${backend}`),
    ...backends.flatMap((backend) =>
      versions[backend] === undefined ? [] : `backend:${backend}@${versions[backend]}`,
    ),
    `trainer:${trainer}@${version}`,
  ];
}

import type { TrainerReady } from './ports.js';

/**
 * What an operation may require of a worker (`type:…`, `backend:…`), and with which versions it would be run
 * (`trainer:NAME@VERSION`, `backend:NAME@VERSION`), so that a resume can tell beforehand what differs from its checkpoint.
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

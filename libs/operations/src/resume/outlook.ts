import { BACKENDS } from '@ktrdr/specs';
import type { Provenance } from '../model/checkpoint.js';
import { type Drift, driftBetween, type Guarantee, guaranteeOf, type Surrounding } from '../model/drift.js';
import { fittingWorkers } from '../queue/fitting-workers.js';

/** Its version is known only once its command runs: a worker offers the versions of its built-in trainer. */
const PROCESS_TRAINER = 'trainer:process';

interface Continuation {
  /** Of the checkpoint; null: there is none, so nothing can differ from it. */
  readonly provenance: Provenance | null;
  readonly requirements: readonly string[];
  readonly backendChangeAllowed: boolean;
  /** What each worker of the pool that is alive offers. */
  readonly workers: readonly { readonly capabilities: readonly string[] }[];
}

export interface Outlook {
  readonly guarantee: Guarantee;
  readonly drift: readonly Drift[];
}

/**
 * What would differ on any of the workers that can take it, as far as their capabilities say. They compare the data
 * when they have it, a trainer that is a command of its own once it runs.
 */
export function outlookOf({ provenance, requirements, backendChangeAllowed, workers }: Continuation): Outlook {
  if (!provenance) return { guarantee: guaranteeOf([]), drift: [] };
  const fitting = fittingWorkers({ requirements }, workers);
  const all = fitting.flatMap(({ capabilities }) =>
    driftBetween(provenance, surroundingOf(capabilities, requirements, provenance)),
  );
  const drift = [...new Map(all.map((each) => [JSON.stringify(each), each])).values()];
  // Once it is bound to a backend, only that one counts.
  const isOpen = backendChangeAllowed && !requirements.some((tag) => tag.startsWith('backend:'));
  const guarantee = guaranteeOf(drift, { backendChangeAllowed: isOpen });
  const reserve = reserveOf(requirements, fitting.length);
  return { guarantee: reserve ? { ...guarantee, detail: `${guarantee.detail} (${reserve})` } : guarantee, drift };
}

/** What is unknown before a worker has it. */
function reserveOf(requirements: readonly string[], fittingWorkers: number): string | null {
  if (fittingWorkers === 0) return 'no fitting worker is alive; the one that takes it says what differs there';
  if (!requirements.includes(PROCESS_TRAINER)) return null;
  return 'as far as its program saves all of its state; the worker that takes it says what differs there';
}

function surroundingOf(
  capabilities: readonly string[],
  requirements: readonly string[],
  provenance: Provenance,
): Surrounding {
  if (requirements.includes(PROCESS_TRAINER)) return {};
  const offered = BACKENDS.filter((name) => capabilities.includes(`backend:${name}`));
  const backend =
    offered.find((name) => requirements.includes(`backend:${name}`)) ??
    offered.find((name) => name === provenance.backend.name) ??
    offered[0];
  const trainer = versioned(capabilities, 'trainer:');
  // What has computed on none goes on on none.
  const isOnBackend = provenance.backend.name !== 'none';
  const version = isOnBackend && backend && versioned(capabilities, `backend:${backend}@`, backend);
  return { ...(trainer ? { trainer } : {}), ...(version ? { backend: version } : {}) };
}

/** `trainer:NAME@VERSION`, `backend:NAME@VERSION`; null: the worker has none. */
function versioned(capabilities: readonly string[], prefix: string, known?: string) {
  const tag = capabilities.find((candidate) => candidate.startsWith(prefix))?.slice(prefix.length);
  if (tag === undefined) return null;
  if (known !== undefined) return { name: known, version: tag };
  const at = tag.lastIndexOf('@');
  return at > 0 ? { name: tag.slice(0, at), version: tag.slice(at + 1) } : null;
}

import { TrainerNotAllowedError } from '../model/errors.js';
import { traitsOf, type Work } from './operation-types.js';

/** What this service lets clients ask for. */
export interface SubmissionRules {
  readonly allowsProcessTrainers: boolean;
}

/**
 * Whatever hands work to the workers checks this, not only a submission: work may be imported, or older than the rule.
 * @throws {TrainerNotAllowedError} for a program where the operator allows none
 */
export function assertTrainerAllowed(work: Work, { allowsProcessTrainers }: SubmissionRules): void {
  if (traitsOf(work).runsOn === 'program' && !allowsProcessTrainers) throw new TrainerNotAllowedError();
}

/** What a worker must offer to run this, on this backend; null: on any. */
export function requirementsOf(work: Work, backend: string | null): readonly string[] {
  return onBackend(traitsOf(work).requirements, backend);
}

/** These requirements with this backend in place of any other; null: on any. */
export function onBackend(requirements: readonly string[], backend: string | null): readonly string[] {
  const others = requirements.filter((tag) => !tag.startsWith('backend:'));
  return backend === null ? others : [...others, `backend:${backend}`];
}

/** The backend that a spec asks for; null: it leaves the choice to the worker, or runs on none. */
export function askedBackend(work: Work): string | null {
  if (traitsOf(work).runsOn !== 'backend') return null;
  const { backend } = work.spec as { readonly backend?: string };
  return backend === undefined || backend === 'auto' ? null : backend;
}

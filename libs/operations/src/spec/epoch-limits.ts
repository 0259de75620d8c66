import type { ResumeOverrides } from '@ktrdr/specs';
import type { Checkpoint } from '../model/checkpoint.js';
import { RequestInvalidError } from '../model/errors.js';
import type { Operation } from '../model/operation.js';

type State = Pick<Checkpoint, 'step' | 'epoch' | 'kind'>;

/**
 * A run is of whole epochs: what has trained more of them, or a part of one more, is no run of so few. As many as are
 * done are possible at the very end of an epoch; it then completes at once.
 * @throws {RequestInvalidError} when fewer are asked for
 */
export function assertEpochsSuffice(
  { epochs }: ResumeOverrides,
  checkpoint: State | null,
  { progress }: Pick<Operation, 'progress'>,
): void {
  if (epochs === undefined || checkpoint === null) return;
  const { epoch: done } = checkpoint;
  const isWhole = endsEpoch(checkpoint, progress);
  const least = isWhole ? done : done + 1;
  if (epochs >= least) return;
  const trained = `${done} ${done === 1 ? 'epoch is' : 'epochs are'} trained already at its step ${checkpoint.step}`;
  const message = isWhole
    ? `${trained}: ${least} is the least that is possible, which completes at once`
    : `${trained}, which is inside the next: ${least} is the least that is possible`;
  throw new RequestInvalidError('request', [{ path: 'overrides.epochs', message }]);
}

/** Where epochs have had different numbers of steps, only the last one is known to have ended. */
function endsEpoch({ step, epoch, kind }: State, progress: Operation['progress']): boolean {
  if (kind === 'final') return true;
  return progress !== null && progress.steps > 0 && step * progress.epochs === epoch * progress.steps;
}
